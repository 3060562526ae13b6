// The page of a session shows at once what its cuts have become, wherever they were made.
// @ts-check
import { load } from './http.js';
import { select, selected, watch } from './list.js';

/** Shows the page as it is now; what is selected stays so if it is still there. */
async function renew() {
    const page = await load(location.href);
    const [ours, theirs] = [document, page].map((one) => one.getElementById('main'));
    if (!ours || !theirs) return;
    const id = selected()?.id;
    ours.replaceChildren(...[...document.importNode(theirs, true).childNodes]);
    if (id) select(document.getElementById(id), false);
    watch();
}

export function start() {
    document.addEventListener('sessions-changed', () => { renew().catch(() => location.reload()); });
}
