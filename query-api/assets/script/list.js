// The list of prompts: one is selected, keys move and open it, and more come as the end comes near.
// @ts-check
import { load } from './http.js';
import { key } from './keys.js';
import { rate, star } from './marks.js';
import { openNote } from './note.js';
import { splitAt } from './split.js';
import { openTags } from './tags.js';
import { toast } from './toast.js';

/** How far below the window the end may be when more are asked for, in pixels. */
const AHEAD = '1500px';
/** Pages that are loaded to find the prompt that was selected before. */
const BACK = 8;

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
    remember(row);
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

/** @param {HTMLElement} row */
function remember(row) {
    try {
        sessionStorage.setItem(`row ${location.pathname}${location.search}`, row.dataset.id ?? '');
    } catch { /* Without a place to keep it the list begins at its top. */ }
}

/** Selects what was selected before, for who comes back from a prompt. */
async function recall() {
    const [visit] = performance.getEntriesByType('navigation');
    if (/** @type {PerformanceNavigationTiming} */ (visit)?.type !== 'back_forward') return;
    let id = null;
    try {
        id = sessionStorage.getItem(`row ${location.pathname}${location.search}`);
    } catch { /* Nothing is known then. */ }
    if (!id) return;
    for (let pages = 0; pages < BACK && !document.getElementById(`c${id}`); pages += 1) {
        if (!(await more())) return;
    }
    select(document.getElementById(`c${id}`));
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
const has = () => subject() !== null;

/** Where the page itself has a field for it, that is better than a dialog. @param {HTMLElement} place @param {string} name */
function field(place, name) {
    const found = place.querySelector(`form.marks-form [name=${name}]`);
    if (!(found instanceof HTMLElement) || found.getClientRects().length === 0) return false;
    found.focus();
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
        recall();
    }
    key('1-5', 'Rate it; the same again takes it back', (_, pressed) => about((id) => rate(id, Number(pressed)))(), has);
    key('0', 'Take its rating back', about((id) => rate(id, null)), has);
    key('*', 'Star it, or take the star off', about(star), has);
    key('t', 'Tags', about((id, place) => field(place, 'tags') || openTags(id)), has);
    key('n', 'Note', about((id, place) => field(place, 'notes') || openNote(id)), has);
    key('s', 'Split its session here', about((id, place) => splitAt(id, place.dataset.session ?? '')), has);
}
