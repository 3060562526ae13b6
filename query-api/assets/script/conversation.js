// One conversation: keys move through it, unfold it and copy it; a suggested tag is added by a click.
// @ts-check
import { copy, offer } from './copy.js';
import { load } from './http.js';
import { key } from './keys.js';
import { onCommitted } from './live.js';
import { setTags } from './marks.js';

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

/** A suggested tag is added to those that there are. What is being typed is another matter. @param {SubmitEvent} event */
async function suggested(event) {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.matches('.suggesting')) return;
    event.preventDefault();
    event.stopPropagation();
    const id = form.closest('[data-id]')?.getAttribute('data-id') ?? '';
    const tag = form.querySelector('button')?.dataset.tag ?? '';
    if (await setTags(id, [tag], [])) form.remove();
}

/** Its text, without the buttons that the script adds. @param {Element} block */
function said(block) {
    const bare = /** @type {Element} */ (block.cloneNode(true));
    bare.querySelectorAll('.copy').forEach((button) => button.remove());
    return bare.textContent;
}

/** While Claude works: shows what has come since. What somebody has unfolded, or is at with keys, stays as it is. */
async function follow() {
    const page = await load(location.href);
    const [facts, now] = [document.querySelector('.facts'), page.querySelector('.facts')];
    if (facts && now) facts.replaceWith(document.importNode(now, true));
    const shown = blocks();
    [...page.querySelectorAll('#blocks > .block')].forEach((block, at) => {
        const made = document.importNode(block, true);
        const former = shown[at];
        if (!former) document.getElementById('blocks')?.append(made);
        else if (!former.contains(document.activeElement) && !former.querySelector('details[open]') && said(former) !== said(made)) former.replaceWith(made);
        else return;
        offer(made);
    });
    document.querySelector('#answer > .ended')?.remove();
    const end = page.querySelector('#answer > .ended');
    if (end) document.getElementById('answer')?.append(document.importNode(end, true));
}

/** Its session has become another one: shows which. */
async function moved() {
    const page = await load(location.href);
    const [ours, theirs] = [document, page].map((one) => one.querySelector('article.conversation'));
    ours?.setAttribute('data-session', theirs?.getAttribute('data-session') ?? '');
    const [way, now] = [document, page].map((one) => one.querySelector('article.conversation .way'));
    if (way && now) way.replaceWith(document.importNode(now, true));
}

const isOpen = () => document.querySelector('.facts > .status.open') !== null;

/** What an address leads to is unfolded: a place that a search has found. */
function aim() {
    const place = location.hash ? document.getElementById(location.hash.slice(1)) : null;
    if (!place?.matches('#blocks > .block')) return;
    const fold = place.querySelector('details');
    if (fold) fold.open = true;
    place.focus({ preventScroll: true });
    place.scrollIntoView({ block: 'start' });
}

export function start() {
    aim();
    window.addEventListener('hashchange', aim);
    if (isOpen()) onCommitted(() => isOpen() && follow().catch(() => null));
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
    document.addEventListener('sessions-changed', () => { moved().catch(() => null); });
}
