// Keys: who wants which, and the page that tells of all of them.
// @ts-check
import { button, dialog, make } from './make.js';

/** Between the two keys of a pair such as `g t`, in milliseconds. */
const PAIR = 1_500;

/** @typedef {{keys: string, title: string, handler: (event: KeyboardEvent, key: string) => unknown, when?: () => boolean}} Wanted */
/** @type {Wanted[]} */
const wanted = [];
/** The first key of a pair, while its second is waited for. */
let first = '';
let forget = 0;

/**
 * @param {string} keys One key (`j`), a pair (`g t`), or several that mean about the same (`1-5`, which is 1 to 5).
 * @param {string} title What it does, for the help.
 * @param {(event: KeyboardEvent, key: string) => unknown} handler
 * @param {() => boolean} [when] Only then; else the key is the browser's.
 */
export function key(keys, title, handler, when) {
    wanted.push({ keys, title, handler, when });
}

/**
 * @param {Wanted} one
 * @param {string} pressed
 */
const means = (one, pressed) => one.keys === pressed || (one.keys === '1-5' && pressed >= '1' && pressed <= '5' && pressed.length === 1);

/** @param {EventTarget | null} target */
function isTyping(target) {
    if (!(target instanceof HTMLElement)) return false;
    if (target instanceof HTMLInputElement) return !['checkbox', 'radio', 'button', 'submit', 'reset'].includes(target.type);
    return target.isContentEditable || ['TEXTAREA', 'SELECT'].includes(target.tagName);
}

/** @param {KeyboardEvent} event */
function pressed(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.defaultPrevented) return;
    if (isTyping(event.target)) {
        if (event.key === 'Escape' && !document.querySelector('dialog[open]')) /** @type {HTMLElement} */ (event.target).blur();
        return;
    }
    if (document.querySelector('dialog[open]')) return;
    // Links and buttons have their own meaning of Enter.
    if (event.key === 'Enter' && event.target instanceof Element && event.target.closest('a, button, summary')) return;
    const said = first ? `${first} ${event.key}` : event.key;
    const able = wanted.filter((one) => !one.when || one.when());
    first = '';
    window.clearTimeout(forget);
    const found = able.find((one) => means(one, said));
    if (found) {
        event.preventDefault();
        found.handler(event, event.key);
    } else if (able.some((one) => one.keys.startsWith(`${said} `))) {
        first = said;
        forget = window.setTimeout(() => { first = ''; }, PAIR);
    }
}

/** All keys that mean something on this page. */
export function help() {
    const rows = wanted.filter((one) => !one.when || one.when()).map((one) => {
        const keys = one.keys.split(/( |-)/).filter((part) => part !== ' ').map((part) => (part === '-' ? ' to ' : make('kbd', {}, part)));
        return make('tr', {}, make('th', { scope: 'row' }, ...keys), make('td', {}, one.title));
    });
    const table = make('table', { class: 'keys' }, make('tbody', {}, ...rows));
    const shown = dialog('Keys', table, make('p', { class: 'actions' }, button('Close', () => shown.close())));
}

key('?', 'Show these keys', help);
document.addEventListener('keydown', pressed);
