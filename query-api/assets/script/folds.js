// Folds whose inside is another page: it is loaded when one is opened, and stays.
// @ts-check
import { offer } from './copy.js';
import { load } from './http.js';
import { toast } from './toast.js';

/** @param {HTMLDetailsElement} fold */
export async function fill(fold) {
    const url = fold.dataset.load;
    if (!url) return;
    delete fold.dataset.load;
    fold.setAttribute('aria-busy', 'true');
    try {
        const loaded = (await load(url)).querySelector('#main .loaded');
        if (!loaded) throw new Error('That page has nothing to show.');
        const summary = fold.querySelector('summary');
        const inside = [...loaded.childNodes].map((node) => document.importNode(node, true));
        fold.replaceChildren(...(summary ? [summary] : []), ...inside);
        offer(fold);
    } catch (error) {
        // The link inside leads there too, and the next opening tries again.
        fold.dataset.load = url;
        toast(error instanceof Error ? error.message : String(error), { bad: true });
    }
    fold.removeAttribute('aria-busy');
}

// The event does not bubble, but it can be caught on its way down.
document.addEventListener('toggle', ({ target }) => {
    if (target instanceof HTMLDetailsElement && target.open) fill(target);
}, true);
