// Rating, star and tags of a prompt: set by key and by form, shown wherever the page has them, and taken back.
// @ts-check
import { api, conversation } from './http.js';
import { make } from './make.js';
import { during, toast } from './toast.js';

/** @typedef {{rating: number | null, star: boolean, tags: string[], notes: string | null}} Marks */
/** @typedef {Marks & {former: Marks}} Marked */
/** @typedef {Partial<Marks>} Change */

/** @param {string} id */
const places = (id) => document.querySelectorAll(`[data-id="${CSS.escape(id)}"]`);

/**
 * Those marks that belong to this element, not to another prompt inside it.
 * @param {Element} place
 * @param {string} selector
 * @returns {HTMLElement[]}
 */
const within = (place, selector) =>
    /** @type {HTMLElement[]} */ ([...place.querySelectorAll(selector)]).filter((found) => found.closest('[data-id]') === place);

/**
 * What the page shows of a prompt.
 * @param {string} id
 * @returns {{rating: number | null, star: boolean}}
 */
export function shown(id) {
    const find = (/** @type {string} */ selector) => [...places(id)].flatMap((place) => within(place, selector))[0];
    const pressed = find('.rating button[aria-pressed=true]');
    return {
        rating: Number(find('.stars')?.dataset.rating ?? pressed?.dataset.value) || null,
        star: find('.star')?.dataset.star === 'true',
    };
}

/**
 * Shows marks everywhere on the page; what is not given stays.
 * @param {string} id
 * @param {Change} marks
 */
export function show(id, { rating, star: on, tags, notes }) {
    for (const place of places(id)) {
        if (rating !== undefined) {
            within(place, '.stars').forEach((stars) => showStars(stars, rating ?? 0));
            within(place, '.rating button').forEach((one) => showRating(/** @type {HTMLButtonElement} */ (one), rating ?? 0));
        }
        if (on !== undefined) within(place, '.star').forEach((one) => showStar(one, on));
        if (tags) {
            within(place, '.tags').forEach((list) => list.replaceChildren(...tags.map(tagged)));
            within(place, 'input[name=tags]').forEach((field) => fill(field, tags.join(', ')));
        }
        if (notes !== undefined) {
            within(place, '.note').forEach((note) => note.replaceChildren(notes ? 'note' : ''));
            within(place, 'textarea[name=notes]').forEach((field) => fill(field, notes ?? ''));
        }
    }
}

/**
 * What somebody has typed, or types in, stays as it is. A field's own first value is always the one that the server gave.
 * @param {HTMLElement} field
 * @param {string} text
 */
function fill(field, text) {
    const one = /** @type {HTMLInputElement | HTMLTextAreaElement} */ (field);
    if (one === document.activeElement || one.value !== one.defaultValue) return;
    one.value = text;
    // As the browser reads it: it has its own ends of lines.
    one.defaultValue = one.value;
    one.dispatchEvent(new Event('given'));
}

/** @param {HTMLElement} stars @param {number} rating */
function showStars(stars, rating) {
    stars.dataset.rating = String(rating);
    const signs = make('span', { 'aria-hidden': 'true' }, '★'.repeat(rating), make('i', {}, '★'.repeat(5 - rating)));
    stars.replaceChildren(...(rating ? [signs, make('span', { class: 'vh' }, `rated ${rating} of 5`)] : []));
}

/** @param {HTMLButtonElement} one @param {number} rating */
function showRating(one, rating) {
    const means = Number(one.dataset.value);
    one.classList.toggle('on', means <= rating);
    one.setAttribute('aria-pressed', String(means === rating));
    one.value = means === rating ? '' : String(means);
    one.title = means === rating ? 'Take the rating back' : `Rate ${means} of 5`;
}

/** @param {HTMLElement} one @param {boolean} on */
function showStar(one, on) {
    one.dataset.star = String(on);
    if (!(one instanceof HTMLButtonElement)) return one.replaceChildren(on ? 'starred' : '');
    one.setAttribute('aria-pressed', String(on));
    one.value = String(!on);
    one.textContent = on ? 'Starred' : 'Star';
}

/** @param {string} tag */
const tagged = (tag) => make('a', { class: 'tag', href: `/?tag=${encodeURIComponent(tag)}` }, tag);

/** What is said where somebody else was quicker. */
const ELSEWHERE = 'Nothing was changed: it was changed elsewhere meanwhile.';

/**
 * Changes marks, shows them at once, and shows the former ones again if that fails.
 * @param {string} id
 * @param {Change} change
 * @param {Change} former What the page shows until then.
 * @param {(former: Marks) => string} [said] What is told, of what there was in truth; nothing: no toast.
 * @param {string | null} [state] The state that it is changed in; in any other it is not.
 * @returns {Promise<{status: number, marks: Marks | null}>} The marks as they are then; none: it was not done.
 */
async function put(id, change, former, said, state) {
    show(id, change);
    const answer = await api('PUT', conversation(id, 'rating'), change, state ? { 'If-Match': state } : {});
    if (!answer.ok) {
        show(id, former);
        if (answer.status === 412) toast(ELSEWHERE, { bad: true });
        return { status: answer.status, marks: null };
    }
    /** @type {Marked} */
    const marks = answer.body;
    show(id, marks);
    // What was taken back cannot be taken back again: the key goes further back, one change at a time.
    if (said) toast(said(marks.former), { undo: undo(id, of(marks, change), of(marks.former, change)) });
    return { status: answer.status, marks };
}

/** Those of the marks that a change is about. @param {Marks} marks @param {Change} change @returns {Change} */
const of = (marks, change) =>
    Object.fromEntries(Object.keys(change).map((name) => [name, marks[/** @type {keyof Marks} */ (name)]]));

/** For a comparison: a text is the same whatever ends its lines. @param {Change} marks */
const told = (marks) =>
    JSON.stringify(marks, (_, value) => (typeof value === 'string' ? value.replace(/\r\n?/g, '\n').trim() : value));

/**
 * What takes a change back, unless what it set was set otherwise since.
 * @param {string} id
 * @param {Change} set
 * @param {Change} former
 */
export const undo = (id, set, former) => ({
    work: () => during(takeBack(id, set, former)),
    about: `${id} ${Object.keys(set)}`,
});

/** @param {string} id @param {Change} set @param {Change} former */
async function takeBack(id, set, former) {
    const now = await marksOf(id);
    if (!now) return false;
    if (told(of(now.marks, set)) !== told(set)) {
        show(id, now.marks);
        toast(ELSEWHERE, { bad: true });
        return true;
    }
    const done = await put(id, former, set, undefined, now.etag);
    if (done.marks) toast('As it was before.');
    // Where nobody answered, it can be tried again.
    return done.status !== 0;
}

/**
 * @param {string} id
 * @param {number | null} rating The one that it has already takes it back.
 */
export function rate(id, rating) {
    const before = shown(id).rating;
    const after = rating === before ? null : rating;
    if (after === before) return;
    const said = after === null ? 'Rating taken back.' : `Rated ${after} of 5.`;
    // Another window may have rated it since this one was loaded: it says so, and the way back leads to that.
    const since = (/** @type {Marks} */ former) =>
        (former.rating === before ? said : `${said} Elsewhere it had been ${former.rating ? `rated ${former.rating}` : 'given no rating'} meanwhile.`);
    during(put(id, { rating: after }, { rating: before }, since));
}

/** @param {string} id */
export function star(id) {
    const { star: before } = shown(id);
    during(put(id, { star: !before }, { star: before }, () => (before ? 'Star taken off.' : 'Starred.')));
}

/**
 * Tags as they are typed: between commas.
 * @param {string} text
 */
export const readTags = (text) => text.split(',').map((tag) => tag.trim()).filter((tag) => tag !== '');

/** @param {string} id @returns {Promise<{marks: Marks, etag: string | null} | null>} */
export async function marksOf(id) {
    const answer = await api('GET', conversation(id, 'rating'));
    return answer.ok ? { marks: answer.body, etag: answer.etag } : null;
}

// The forms of marks work without a script; with it they do the same without another page.
document.addEventListener('submit', async (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.matches('form.marks-form')) return;
    const id = form.closest('[data-id]')?.getAttribute('data-id');
    if (!id) return;
    event.preventDefault();
    const by = event.submitter;
    if (by instanceof HTMLButtonElement && by.name === 'rating') rate(id, Number(by.dataset.value ?? by.value) || null);
    else if (by instanceof HTMLButtonElement && by.name === 'star') star(id);
    else {
        const tags = form.elements.namedItem('tags');
        const notes = form.elements.namedItem('notes');
        if (tags instanceof HTMLInputElement) await setTags(id, readTags(tags.value), readTags(tags.defaultValue), tags);
        if (notes instanceof HTMLTextAreaElement) notes.dispatchEvent(new Event('save'));
    }
});

/**
 * The tags that there are, with what was taken from and added to those that a field began with: what others did meanwhile stays.
 * @param {string[]} now
 * @param {string[]} given
 * @param {string[]} typed
 */
function merged(now, given, typed) {
    const has = (/** @type {string[]} */ tags, /** @type {string} */ tag) =>
        tags.some((one) => one.toLowerCase() === tag.toLowerCase());
    const stays = now.filter((tag) => has(typed, tag) || !has(given, tag));
    return [...stays, ...typed.filter((tag) => !has(stays, tag) && !has(given, tag))];
}

/**
 * @param {string} id
 * @param {string[]} tags
 * @param {string[]} given Those that somebody began with: what others changed since stays.
 * @param {HTMLInputElement} [field] Where they are typed: what is in it now is saved then.
 */
export async function setTags(id, tags, given, field) {
    const typed = field?.value;
    const before = await marksOf(id);
    if (!before) return null;
    const all = merged(before.marks.tags, given, tags);
    const said = all.length ? `Tagged ${all.join(', ')}.` : 'Tags taken off.';
    const { marks } = await during(put(id, { tags: all }, { tags: before.marks.tags }, () => said, before.etag));
    if (marks && field && field.value === typed) {
        field.value = marks.tags.join(', ');
        field.defaultValue = field.value;
    }
    return marks;
}

/** Whether a field holds other tags than it began with. @param {HTMLInputElement} field */
const isChanged = (field) => readTags(field.value).join() !== readTags(field.defaultValue).join();

/** @returns {HTMLInputElement[]} */
const tagFields = () => [...document.querySelectorAll('form.tagging [name=tags]')].filter((one) => one instanceof HTMLInputElement);

// Tags are saved when somebody says so. Until then they are not lost without a word.
window.addEventListener('beforeunload', (event) => {
    if (tagFields().some(isChanged)) event.preventDefault();
});

/** Goes to the tags of a page, behind those that are there. @param {HTMLInputElement} field */
export function addTags(field) {
    field.focus();
    if (field.value.trim() && !isChanged(field)) field.value = `${readTags(field.value).join(', ')}, `;
    field.setSelectionRange(field.value.length, field.value.length);
    field.addEventListener('blur', () => { if (!isChanged(field)) field.value = field.defaultValue; }, { once: true });
}
