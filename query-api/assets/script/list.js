// The list of prompts: one is selected, keys move and open it, and more come as the end comes near.
// @ts-check
import { load } from './http.js';
import { key } from './keys.js';
import { addTags, rate, star } from './marks.js';
import { openNote } from './note.js';
import { splitAt } from './split.js';
import { openTags } from './tags.js';
import { toast } from './toast.js';

/** How far below the window the end may be when more are asked for, in pixels. */
const AHEAD = '1500px';
/** Pages that are loaded to show what was shown before. */
const BACK = 20;

export const rows = () => /** @type {HTMLElement[]} */ ([...document.querySelectorAll('#rows > .row')]);
export const selected = () => /** @type {HTMLElement | null} */ (document.querySelector('#rows > .row[aria-current=true]'));

/**
 * The prompt that keys are about: the selected one, or the one that the page is about.
 * @returns {HTMLElement | null}
 */
export function subject() {
    if (document.documentElement.dataset.page !== 'conversation') return selected();
    return document.querySelector('main[data-id], main [data-id]');
}

/** @param {HTMLElement | null} row */
export function select(row, focus = true) {
    selected()?.removeAttribute('aria-current');
    if (!row) return;
    row.setAttribute('aria-current', 'true');
    if (focus) row.focus({ preventScroll: true });
    row.scrollIntoView({ block: 'nearest' });
}

/** @param {number} by */
async function move(by) {
    const all = rows();
    const at = selected();
    if (!at) return select(firstSeen(all));
    const next = all[all.indexOf(at) + by];
    if (next) select(next);
    else if (by > 0 && at === selected() && (await more()) && at === selected()) move(by);
}

/** The first row that is not above the window. @param {HTMLElement[]} all */
const firstSeen = (all) => all.find((row) => row.getBoundingClientRect().top >= 0) ?? all.at(-1) ?? null;

/** Where somebody is in a list: how many rows there are, which is selected, and how far from the top of the window the first seen one is. */
const placeKey = () => `place ${location.pathname}${location.search}`;

function remember() {
    const all = rows();
    const first = firstSeen(all);
    const place = {
        rows: all.length, selected: selected()?.id ?? '', first: first?.id ?? '',
        top: first?.getBoundingClientRect().top ?? 0, scrolled: window.scrollY,
    };
    try {
        sessionStorage.setItem(placeKey(), JSON.stringify(place));
    } catch { /* Without a place to keep it the list begins at its top. */ }
}

/** Shows who comes back to a list what they left: the same rows at the same place, the same one selected. */
async function recall() {
    const [visit] = performance.getEntriesByType('navigation');
    if (/** @type {PerformanceNavigationTiming} */ (visit)?.type !== 'back_forward') return;
    let place = null;
    try {
        place = JSON.parse(sessionStorage.getItem(placeKey()) ?? 'null');
    } catch { /* Nothing is known then. */ }
    if (!place) return;
    // The browser knows one page alone, and comes too early.
    history.scrollRestoration = 'manual';
    let goesOn = false;
    const there = (/** @type {string} */ id) => document.getElementById(id);
    for (const by of ['wheel', 'keydown', 'pointerdown', 'touchmove']) {
        window.addEventListener(by, () => { goesOn = true; }, { once: true, passive: true });
    }
    for (let pages = 0; pages < BACK && !goesOn && (rows().length < place.rows || (place.first && !there(place.first))); pages += 1) {
        if (!(await more())) break;
    }
    // Who does something meanwhile is not taken elsewhere.
    if (goesOn) return;
    if (place.selected) select(there(place.selected));
    const first = place.first && there(place.first);
    window.scrollTo(0, first ? window.scrollY + first.getBoundingClientRect().top - place.top : place.scrolled);
}

/** The page that is being loaded, so that it is loaded once. @type {Promise<boolean> | null} */
let loading = null;

/** Appends the next page, if there is one. */
export function more() {
    loading ??= append().finally(() => { loading = null; });
    return loading;
}

async function append() {
    const link = document.querySelector('a.more');
    if (!(link instanceof HTMLAnchorElement)) return false;
    link.setAttribute('aria-busy', 'true');
    try {
        const page = await load(link.href);
        // The list may be another one by now.
        if (!link.isConnected) return false;
        const list = document.getElementById('rows');
        for (const item of page.querySelectorAll('#rows > *')) {
            const known = item.id && document.getElementById(item.id);
            if (!known) list?.append(document.importNode(item, true));
        }
        // Of a list that takes long to look through, the first pages may hold nothing.
        const [nothing, still] = [document.querySelector('#results .nothing'), page.querySelector('#results .nothing')];
        if (nothing && still && rows().length === 0) nothing.replaceWith(document.importNode(still, true));
        else nothing?.remove();
        const next = page.querySelector('a.more');
        if (next) link.replaceWith(document.importNode(next, true));
        else link.remove();
        watch();
        return true;
    } catch (error) {
        link.removeAttribute('aria-busy');
        toast(error instanceof Error ? error.message : String(error), { bad: true });
        return false;
    }
}

const end = new IntersectionObserver((seen) => {
    if (seen.some((one) => one.isIntersecting)) more();
}, { rootMargin: `0px 0px ${AHEAD} 0px` });

/** Looks out for the end of the list, which is another element after each page. */
export function watch() {
    end.disconnect();
    const link = document.querySelector('a.more');
    if (link) end.observe(link);
}

/** @param {(id: string, place: HTMLElement) => unknown} work */
const about = (work) => () => {
    const place = subject();
    if (place?.dataset.id) work(place.dataset.id, place);
};
const has = () => Boolean(subject()?.dataset.id);

/** Where the page itself has a field for it, that is better than a dialog. @param {HTMLElement} place @param {string} name */
function field(place, name) {
    const found = place.querySelector(`form.marks-form [name=${name}]`);
    if (!(found instanceof HTMLElement) || found.getClientRects().length === 0) return false;
    if (found instanceof HTMLInputElement) addTags(found);
    else if (found instanceof HTMLTextAreaElement) {
        found.focus();
        found.setSelectionRange(found.value.length, found.value.length);
    }
    return true;
}

export function start() {
    if (document.getElementById('rows')) {
        key('j', 'Next prompt', () => move(1));
        key('k', 'Prompt before', () => move(-1));
        key('Enter', 'Open it', () => /** @type {HTMLElement | null} */ (selected()?.querySelector('a.open'))?.click(), () => selected() !== null);
        key('Escape', 'Select nothing', () => {
            select(null);
            if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
        }, () => selected() !== null);
        document.addEventListener('focusin', ({ target }) => {
            const row = target instanceof Element ? target.closest('#rows > .row') : null;
            if (row instanceof HTMLElement && row !== selected()) select(row, false);
        });
        watch();
        window.addEventListener('pagehide', remember);
        recall();
    }
    key('1-5', 'Rate it; the same again takes it back', (_, pressed) => about((id) => rate(id, Number(pressed)))(), has);
    key('0', 'Take its rating back', about((id) => rate(id, null)), has);
    key('*', 'Star it, or take the star off', about(star), has);
    key('t', 'Tags', about((id, place) => field(place, 'tags') || openTags(id)), has);
    key('n', 'Note', about((id, place) => field(place, 'notes') || openNote(id)), has);
    key('s', 'Split its session here', about((id, place) => splitAt(id, place.dataset.session ?? '')), () => has() && Boolean(subject()?.dataset.session));
}
