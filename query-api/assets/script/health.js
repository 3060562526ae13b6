// The health page as it is now: loaded again after each commit and every ten seconds, what changed put in place.
// @ts-check
import { start as startCopies } from './copy.js';
import { load } from './http.js';
import { onCommitted } from './live.js';

/** Between two looks, in milliseconds; after a commit it is sooner, but not at once for each of many. */
const EVERY = 10_000;
const SOON = 2_000;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let next;
let due = 0;

/** @param {number} ms */
function lookIn(ms) {
    const then = Date.now() + ms;
    if (next !== undefined && due <= then) return;
    clearTimeout(next);
    due = then;
    next = setTimeout(look, ms);
}

async function look() {
    next = undefined;
    if (!document.hidden) {
        const page = await load(location.href).catch(() => null);
        tell(page === null);
        for (const fresh of page?.querySelectorAll('[data-part]') ?? []) renew(fresh);
    }
    lookIn(EVERY);
}

/** Says whether what is shown is still how it is. @param {boolean} away */
function tell(away) {
    const told = document.getElementById('away');
    if (told) told.textContent = away ? 'The server does not answer: this is how it was.' : '';
}

/** @param {Element} fresh */
function renew(fresh) {
    const old = document.getElementById(fresh.id);
    const selection = document.getSelection();
    // What somebody reads out or types in stays until the next look.
    if (!old || old.contains(document.activeElement) || (selection && !selection.isCollapsed && old.contains(selection.anchorNode))) return;
    const now = document.importNode(fresh, true);
    const shown = [now, ...now.querySelectorAll('details')];
    for (const one of shown) if (one.id && old.ownerDocument.getElementById(one.id)?.hasAttribute('open')) one.setAttribute('open', '');
    if (old.isEqualNode(now)) return;
    old.replaceWith(now);
    startCopies(now);
}

export function start() {
    startCopies();
    onCommitted(() => lookIn(SOON));
    document.addEventListener('visibilitychange', () => { if (!document.hidden) lookIn(0); });
    lookIn(EVERY);
}
