// One conversation: keys move through it, unfold it and copy it; a suggested tag is added by a click.
// @ts-check
import { copy } from './copy.js';
import { key } from './keys.js';
import { readTags, setTags } from './marks.js';

const blocks = () => /** @type {HTMLElement[]} */ ([...document.querySelectorAll('#blocks > .block')]);
const current = () => document.activeElement?.closest('#blocks > .block') ?? null;

/** @param {number} by */
function move(by) {
    const all = blocks();
    const at = all.indexOf(/** @type {HTMLElement} */ (current()));
    const seen = all.findIndex((block) => block.getBoundingClientRect().bottom > 80);
    const next = at < 0 ? all[Math.max(seen, 0)] : all[at + by];
    if (!next) return;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: 'nearest' });
}

/** Unfolds what the keys are at, or folds it again. */
function unfold() {
    const fold = current()?.querySelector('details');
    if (fold) fold.open = !fold.open;
}

/** Unfolds all; where all is unfolded already, folds all. */
function unfoldAll() {
    const folds = /** @type {HTMLDetailsElement[]} */ ([...document.querySelectorAll('#blocks > .block > details')]);
    const open = folds.some((fold) => !fold.open);
    for (const fold of folds) fold.open = open;
}

/** @param {string} rel */
const go = (rel) => () => /** @type {HTMLElement | null} */ (document.querySelector(`.way a[rel=${rel}]`))?.click();

/** A suggested tag: the field may hold others by now than when the page was made. @param {SubmitEvent} event */
async function suggested(event) {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.matches('.suggesting')) return;
    event.preventDefault();
    event.stopPropagation();
    const id = form.closest('[data-id]')?.getAttribute('data-id') ?? '';
    const tag = form.querySelector('button')?.dataset.tag ?? '';
    const field = /** @type {HTMLInputElement | null} */ (document.querySelector('form.tagging [name=tags]'));
    if (await setTags(id, [...readTags(field?.value ?? ''), tag])) form.remove();
}

export function start() {
    key('j', 'Next step', () => move(1));
    key('k', 'Step before', () => move(-1));
    key('o', 'Unfold it, or fold it', unfold, () => current() !== null);
    key('Enter', 'Unfold it, or fold it', unfold, () => current() !== null);
    key('e', 'Unfold all, or fold all', unfoldAll);
    key('[', 'Prompt before, in its session', go('prev'));
    key(']', 'Next prompt, in its session', go('next'));
    for (const button of document.querySelectorAll('button[data-key]')) {
        const one = /** @type {HTMLElement} */ (button);
        key(one.dataset.key ?? '', one.textContent ?? '', () => copy(one));
    }
    document.addEventListener('submit', suggested, true);
}
