// News: what is committed while somebody looks. Pages that are not seen hold no connection, for a server has few.
// @ts-check
import { lastChange, load } from './http.js';
import { rows, select, selected, watch } from './list.js';
import { button, make } from './make.js';

/** How far down somebody reads and not just looks, in pixels. */
const READS = 80;

/** Until who was sent away asks again, in milliseconds: a server takes so many listeners and no more. */
const AGAIN = 15_000;

/** News of marks that come so soon after a change here are of that change, in milliseconds. */
const OWN = 3_000;

/** @typedef {{newest: number | null, marks: boolean}} News */
/** @type {Array<(news: News) => unknown>} */
const told = [];
/** @type {EventSource | null} */
let source = null;

/**
 * Calls `heard` after each commit, and once when the page is seen again after a while.
 * @param {(news: News) => unknown} heard
 */
export function onCommitted(heard) {
    told.push(heard);
    if (told.length > 1) return;
    document.addEventListener('visibilitychange', () => (document.hidden ? hush() : listen(true)));
    window.addEventListener('pagehide', hush);
    window.addEventListener('pageshow', (event) => { if (event.persisted) listen(true); });
    if (!document.hidden) listen(false);
}

function hush() {
    source?.close();
    source = null;
}

/** @param {boolean} missed Whether something may have been. */
function listen(missed) {
    if (source) return;
    source = new EventSource('/api/events');
    let open = !missed;
    source.addEventListener('open', () => {
        // Also after the server was away.
        if (open) open = false;
        else tell({ newest: null, marks: true });
    });
    source.addEventListener('error', () => {
        if (source?.readyState !== EventSource.CLOSED) return;
        hush();
        window.setTimeout(() => { if (!document.hidden) listen(true); }, AGAIN);
    });
    source.addEventListener('committed', (event) => tell(JSON.parse(event.data)));
}

/** @param {News} news */
const tell = (news) => told.forEach((heard) => heard(news));

/**
 * Makes one call of many that come while it works, and rests four times as long as it worked: a search may be dear, and
 * whoever writes to the store works on the same machine.
 * @param {() => Promise<unknown>} work
 */
export function oneAtATime(work) {
    let [busy, again] = [false, false];
    return async () => {
        again = true;
        if (busy) return;
        busy = true;
        while (again) {
            again = false;
            const began = performance.now();
            await work().catch(() => null);
            const rest = 4 * (performance.now() - began);
            await new Promise((rested) => { window.setTimeout(rested, rest); });
        }
        busy = false;
    };
}

/** Whether news came that were not of changes here alone. */
let byOthers = false;
/** @type {number | null} */
let newest = null;

/** @param {News} news */
function isOwn(news) {
    const same = news.newest !== null && (newest === null || news.newest === newest);
    newest = news.newest;
    return same && news.marks && performance.now() - lastChange() < OWN;
}

/** Rows that are there and wait until somebody wants them. @type {Element[]} */
let waiting = [];

/** Takes over what changed in the rows that are shown, and what came before the first of them. */
async function refresh() {
    const address = location.href;
    const others = byOthers;
    byOthers = false;
    const results = document.getElementById('results');
    if (!results || new URL(address).searchParams.has('cursor')) return;
    const page = await load(address);
    // Somebody may have asked for something else meanwhile.
    if (address !== location.href || !results.isConnected) return;
    const fresh = [...page.querySelectorAll('#rows > .row')];
    if (rows().length === 0) {
        const now = page.getElementById('results');
        if (now && fresh.length > 0) results.replaceWith(document.importNode(now, true));
        return watch();
    }
    const [count, counted] = [document.getElementById('count'), page.getElementById('count')];
    if (count && counted && count.textContent !== counted.textContent) count.textContent = counted.textContent;
    const known = fresh.filter((row) => document.getElementById(row.id));
    for (const row of known) renew(document.getElementById(row.id), row);
    if (results.dataset.live !== 'newest') {
        const shown = rows();
        const same = fresh.every((row, at) => row.id === shown[at]?.id);
        return others && !same ? offer('This list has changed') : undefined;
    }
    if (known.length === fresh.length) return;
    // Rows between those that are new and those that are shown may be missing.
    if (known.length === 0) return offer('New prompts');
    waiting = fresh.slice(0, fresh.indexOf(known[0]));
    if (others && waiting.length < fresh.length - known.length) return offer('This list has changed');
    if (waiting.length === 0) return;
    const reads = window.scrollY > READS || selected() !== null || document.querySelector('dialog[open]') !== null;
    if (reads) offer(waiting.length);
    else slideIn();
}

/** Shows a row as it is now. Who has the focus inside keeps it; the next news may find it free. @param {Element | null} old @param {Element} fresh */
function renew(old, fresh) {
    if (!old || (old !== document.activeElement && old.contains(document.activeElement))) return;
    const now = document.importNode(fresh, true);
    const before = /** @type {Element} */ (old.cloneNode(true));
    for (const one of [before, now]) for (const name of ['class', 'aria-current']) one.removeAttribute(name);
    if (before.isEqualNode(now)) return;
    old.replaceChildren(...now.childNodes);
    old.setAttribute('data-session', now.getAttribute('data-session') ?? '');
}

/** Puts what waits at the top, below the heading of its day. */
function slideIn() {
    const list = document.getElementById('rows');
    document.getElementById('news')?.remove();
    for (const row of waiting.reverse()) {
        if (!list || document.getElementById(row.id)) continue;
        const made = document.importNode(row, true);
        made.classList.add('new');
        const theirs = dayOf(row);
        const first = list.firstElementChild;
        if (!theirs) list.prepend(made);
        else if (first?.id === theirs.id) first.after(made);
        else list.prepend(document.importNode(theirs, true), made);
    }
    waiting = [];
}

/** The heading that a row stands under. @param {Element} row */
function dayOf(row) {
    let before = row.previousElementSibling;
    while (before && !before.matches('.day')) before = before.previousElementSibling;
    return before;
}

/** @param {number | string} what So many rows that wait; or what there is to say where it takes the whole page anew. */
function offer(what) {
    const text = typeof what === 'string' ? what : what === 1 ? '1 new prompt' : `${what} new prompts`;
    announce(document.getElementById('results'), text, () => {
        if (typeof what === 'string') return location.reload();
        slideIn();
        select(null);
        window.scrollTo({ top: 0 });
        rows()[0]?.focus({ preventScroll: true });
    });
}

/**
 * Says quietly that there is something new: a button above a place, which shows it.
 * @param {Element | null} place
 * @param {string} text
 * @param {() => unknown} show
 */
export function announce(place, text, show) {
    document.getElementById('news')?.remove();
    place?.before(make('p', { id: 'news', role: 'status' }, button(text, show)));
}

/** Keeps a list of prompts as it is now. */
export function startList() {
    const again = oneAtATime(refresh);
    onCommitted((news) => {
        if (!isOwn(news)) byOthers = true;
        again();
    });
    document.addEventListener('sessions-changed', again);
}

/** The page that waits for the first prompt. */
export function startFirst() {
    document.querySelector('p[data-live]')?.removeAttribute('hidden');
    onCommitted(() => location.reload());
}
