// Short words at the edge of the page, and the way back from the last changes.
// @ts-check
import { key } from './keys.js';
import { button, make } from './make.js';

/** How long one stays, in milliseconds. It waits while the pointer or the focus is on it. */
const STAYS = 7_000;
/** So many changes can be taken back, the newest first. */
const KEPT = 50;

const region = make('div', { id: 'toasts', role: 'status' });
document.body.append(region);

/**
 * @typedef {object} Undo
 * @property {() => unknown} work Gives or promises `false` where it could not be done now, and can be tried again.
 * @property {string} [about] What it changes: of several changes of one thing the last is taken back first.
 */
/** @type {Undo[]} */
const undos = [];
/** Changes that are being made: only then it is known what the last one was. @type {Set<Promise<unknown>>} */
const underWay = new Set();

/**
 * Says that a change is being made.
 * @template T
 * @param {Promise<T>} change
 */
export function during(change) {
    underWay.add(change);
    const over = () => underWay.delete(change);
    change.then(over, over);
    return change;
}

/**
 * @param {string} text
 * @param {{undo?: Undo, bad?: boolean, link?: {href: string, text: string}}} [more] `undo` takes back what was done; it
 *   is also what the key `u` calls. `link` leads to what was made.
 */
export function toast(text, { undo, bad, link } = {}) {
    const shown = make('div', { class: bad ? 'toast bad' : 'toast' }, make('span', {}, text));
    if (link) shown.append(make('a', { href: link.href }, link.text));
    if (undo) {
        undos.push(undo);
        if (undos.length > KEPT) undos.shift();
        shown.append(button('Undo', () => wanted(undo)));
    }
    let away = 0;
    const wait = () => { away = window.setTimeout(() => shown.remove(), STAYS); };
    const stay = () => window.clearTimeout(away);
    shown.addEventListener('pointerenter', stay);
    shown.addEventListener('pointerleave', wait);
    shown.addEventListener('focusin', stay);
    shown.addEventListener('focusout', wait);
    // The same words once more say no more.
    for (const old of [...region.children]) if (old.firstChild?.textContent === text) old.remove();
    while (region.childElementCount > 2) region.firstElementChild?.remove();
    comeUp();
    region.append(shown);
    wait();
}

/** Behind a dialog nobody sees or hears the words: they stand in it while it is open. */
function comeUp() {
    const home = document.querySelector('dialog[open]') ?? document.body;
    if (region.parentElement === home) return;
    home.append(region);
    home.addEventListener('close', () => document.body.append(region), { once: true });
}

/** @param {Undo} undo */
async function takeBack(undo) {
    const at = undos.indexOf(undo);
    if (at >= 0) undos.splice(at, 1);
    region.replaceChildren();
    if ((await undo.work()) === false) undos.splice(at < 0 ? undos.length : at, 0, undo);
}

/** A certain one is taken back, which need not be the last. @param {Undo} undo */
function wanted(undo) {
    const later = undos.slice(undos.indexOf(undo) + 1);
    if (undo.about && later.some((one) => one.about === undo.about)) {
        toast('It was changed once more since. Take that back first: the key u does.', { bad: true });
    } else takeBack(undo);
}

key('u', 'Undo the last change', async () => {
    await Promise.allSettled([...underWay]);
    const last = undos.at(-1);
    if (last) takeBack(last);
    else toast('There is nothing to undo.');
});
