// Search as you type: the page of what is typed is loaded, and its results take the place of these.
// @ts-check
import { load } from './http.js';
import { key } from './keys.js';
import { rows, select, watch } from './list.js';
import { carry } from './make.js';
import { toast } from './toast.js';

/** After the last key, in milliseconds. */
const PAUSE = 150;
/** What is taken over from the page that was loaded; not the box that is typed in. */
const PARTS = ['chips', 'views', 'results'];

/** Ends the request before, when another begins. */
let loading = new AbortController();

/**
 * Shows another address of this page without leaving it.
 * @param {string} url
 */
export async function go(url) {
    loading.abort();
    loading = new AbortController();
    const { signal } = loading;
    const results = document.getElementById('results');
    results?.setAttribute('aria-busy', 'true');
    try {
        const page = await load(url, signal);
        for (const id of PARTS) take(page, id);
        // What was new belonged to the other list, and where somebody read in it is nowhere in this one.
        document.getElementById('news')?.remove();
        window.scrollTo(0, 0);
        // As a text, so that it is read out.
        const count = document.getElementById('count');
        if (count) count.textContent = page.getElementById('count')?.textContent ?? '';
        document.title = page.title;
        history.replaceState(history.state, '', url);
        watch();
    } catch (error) {
        if (signal.aborted) return;
        document.getElementById('results')?.removeAttribute('aria-busy');
        toast(error instanceof Error ? error.message : String(error), { bad: true });
    }
}

/**
 * What stands for a part of this page in another, with the folds open that were open.
 * @param {Document} page
 * @param {string} id
 */
function take(page, id) {
    const [old, now] = [document.getElementById(id), page.getElementById(id)];
    if (!old || !now) return;
    const made = document.importNode(now, true);
    for (const fold of old.querySelectorAll('details[open]')) {
        if (fold.id) made.querySelector(`#${CSS.escape(fold.id)}`)?.setAttribute('open', '');
    }
    carry(old, made);
    const focused = old.contains(document.activeElement) ? document.activeElement?.id : '';
    old.replaceWith(made);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

/**
 * Where a GET form leads, without what is empty.
 * @param {HTMLFormElement} form
 */
export function addressOf(form) {
    const said = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
        if (typeof value === 'string' && value.trim() !== '') said.append(name, value);
    }
    const query = said.toString();
    return `${new URL(form.action).pathname}${query ? `?${query}` : ''}`;
}

export function start() {
    const form = document.querySelector('form.search');
    if (!(form instanceof HTMLFormElement)) return;
    const box = form.querySelector('input[type=search]');
    if (!(box instanceof HTMLInputElement)) return;
    key('/', 'Search', () => { box.focus(); box.select(); });
    // Elsewhere the box leads to another page.
    if (!document.getElementById('results') || new URL(form.action).pathname !== location.pathname) return;
    let timer = 0;
    let asked = addressOf(form);
    const ask = () => {
        window.clearTimeout(timer);
        const url = addressOf(form);
        if (url === asked) return;
        asked = url;
        go(url);
    };
    box.addEventListener('input', (event) => {
        // A word that is still being composed is none yet.
        if (event instanceof InputEvent && event.isComposing) return;
        window.clearTimeout(timer);
        timer = window.setTimeout(ask, PAUSE);
    });
    box.addEventListener('compositionend', () => { timer = window.setTimeout(ask, PAUSE); });
    // A choice that was made is asked at once; a text, when it is done.
    document.addEventListener('change', ({ target }) => {
        if (target === box || !(target instanceof HTMLInputElement || target instanceof HTMLSelectElement)) return;
        if (target.form === form) ask();
    });
    form.addEventListener('submit', (event) => {
        event.preventDefault();
        window.clearTimeout(timer);
        go(addressOf(form));
    });
    box.addEventListener('keydown', (event) => {
        const [first] = rows();
        if (event.key !== 'ArrowDown' || !first) return;
        event.preventDefault();
        select(first);
    });
}
