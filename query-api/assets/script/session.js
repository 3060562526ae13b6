// The page of a session shows at once what its cuts have become, wherever they were made, and says when it has grown.
// @ts-check
import { load } from './http.js';
import { more, rows, select, selected, watch } from './list.js';
import { announce, oneAtATime, onCommitted } from './live.js';
import { carry } from './make.js';
import { joinAgain, partAgain, splitAt } from './split.js';

/** Pages that are loaded to find where somebody was. */
const PAGES = 20;

/** Whether a form is on its way that leads away: what it changes is no news here, and this session may be gone by it. */
let leaves = false;

/** The row that keys are at, or that stands below the button that they are at. */
function current() {
    let at = selected() ?? document.activeElement?.closest('#rows > li') ?? null;
    while (at && !at.matches('.row')) at = at.nextElementSibling;
    return at;
}

/** Shows the page as it is now. Who was at a row is at it still, or at the nearest before it that is left. */
async function renew() {
    const at = current();
    const all = rows();
    const near = at ? all.slice(0, all.indexOf(/** @type {HTMLElement} */ (at)) + 1).map((row) => row.id).reverse() : [];
    const page = await load(location.href);
    const [ours, theirs] = [document, page].map((one) => one.getElementById('main'));
    if (!ours || !theirs) return;
    const made = document.importNode(theirs, true);
    carry(ours, made);
    ours.replaceChildren(...made.childNodes);
    watch();
    if (!at) return;
    const left = () => near.slice(0, 2).map((id) => document.getElementById(id)).find((row) => row !== null);
    for (let pages = 0; pages < PAGES && !left(); pages += 1) if (!(await more())) break;
    select(left() ?? rows()[0] ?? null);
}

/** Whether a page has prompts that are not shown here. */
async function look() {
    if (leaves) return;
    const page = await load(location.href);
    const list = document.getElementById('rows');
    const fresh = [...page.querySelectorAll('#rows > .row')].filter((row) => !document.getElementById(row.id));
    if (list && fresh.length > 0) announce(list, 'There is more', () => renew().catch(() => location.reload()));
}

/** The buttons that cut and join do what the keys do. @param {SubmitEvent} event */
async function cut(event) {
    const { target: form, submitter: by } = event;
    if (!(form instanceof HTMLFormElement) || !(by instanceof HTMLButtonElement)) return;
    const session = () => decodeURIComponent(new URL(form.action).pathname.split('/')[2] ?? '');
    const change = form.elements.namedItem('change');
    if (form.id === 'split') {
        event.preventDefault();
        const row = document.getElementById(`c${by.value}`);
        splitAt(by.value, row?.dataset.session ?? '');
    } else if (form.matches('.others form')) {
        event.preventDefault();
        joinAgain(session());
    } else if (form.matches('.part form') && change instanceof HTMLInputElement) {
        event.preventDefault();
        partAgain(session(), change.value);
    }
}

export function start() {
    document.addEventListener('sessions-changed', () => { renew().catch(() => location.reload()); });
    document.addEventListener('submit', cut);
    document.addEventListener('submit', (event) => { leaves = !event.defaultPrevented; });
    window.addEventListener('pageshow', () => { leaves = false; });
    onCommitted(oneAtATime(look));
}
