// Rating, star and tags of a prompt: set by key and by form, shown wherever the page has them, and taken back.
// @ts-check
import { api, conversation } from './http.js';
import { make } from './make.js';
import { during, toast } from './toast.js';

/** @typedef {{rating: number | null, star: boolean, tags: string[], notes: string | null}} Marks */
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

/**
 * Changes marks, shows them at once, and shows the former ones again if that fails.
 * @param {string} id
 * @param {Change} change
 * @param {Change} former What undoes it.
 * @param {string} [said] What is told; nothing: no toast.
 * @returns {Promise<Marks | null>} The marks as they are then; nothing: it was not done.
 */
export const mark = (id, change, former, said) => during(put(id, change, former, said));

/** What is said where somebody else was quicker. */
const ELSEWHERE = 'Nothing was changed: it was changed elsewhere meanwhile.';

/**
 * @param {string} id
 * @param {Change} change
 * @param {Change} former
 * @param {string} [said]
 * @param {string | null} [state] The state that it is changed in; in any other it is not.
 * @returns {Promise<Marks | null>}
 */
async function put(id, change, former, said, state) {
    show(id, change);
    const answer = await api('PUT', conversation(id, 'rating'), change, state ? { 'If-Match': state } : {});
    if (!answer.ok) {
        show(id, former);
        if (answer.status === 412) toast(ELSEWHERE, { bad: true });
        return null;
    }
    show(id, answer.body);
    // What was taken back cannot be taken back again: the key goes further back, one change at a time.
    if (said) toast(said, { undo: () => undo(id, of(answer.body, change), former) });
    return answer.body;
}

/** Those of the marks that a change is about. @param {Marks} marks @param {Change} change @returns {Change} */
const of = (marks, change) =>
    Object.fromEntries(Object.keys(change).map((name) => [name, marks[/** @type {keyof Marks} */ (name)]]));

/** For a comparison: a text is the same whatever ends its lines. @param {Change} marks */
const told = (marks) =>
    JSON.stringify(marks, (_, value) => (typeof value === 'string' ? value.replace(/\r\n?/g, '\n').trim() : value));

/**
 * Takes a change back, unless what it set was set otherwise since.
 * @param {string} id
 * @param {Change} set
 * @param {Change} former
 */
export const undo = (id, set, former) => during(takeBack(id, set, former));

/** @type {typeof undo} */
async function takeBack(id, set, former) {
    const now = await marksOf(id);
    if (!now) return;
    if (told(of(now.marks, set)) !== told(set)) {
        show(id, now.marks);
        toast(ELSEWHERE, { bad: true });
        return;
    }
    if (await put(id, former, set, undefined, now.etag)) toast('As it was before.');
}

/**
 * @param {string} id
 * @param {number | null} rating The one that it has already takes it back.
 */
export function rate(id, rating) {
    const before = shown(id).rating;
    const after = rating === before ? null : rating;
    if (after === before) return;
    mark(id, { rating: after }, { rating: before }, after === null ? 'Rating taken back.' : `Rated ${after} of 5.`);
}

/** @param {string} id */
export function star(id) {
    const { star: before } = shown(id);
    mark(id, { star: !before }, { star: before }, before ? 'Star taken off.' : 'Starred.');
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
        if (tags instanceof HTMLInputElement) await setTags(id, readTags(tags.value), tags);
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
 * @param {HTMLInputElement | null} [field] Where they are typed: what is in it now is saved then.
 */
export async function setTags(id, tags, field) {
    const typed = field?.value;
    const before = await marksOf(id);
    if (!before) return null;
    const all = field ? merged(before.marks.tags, readTags(field.defaultValue), tags) : tags;
    const said = all.length ? `Tagged ${all.join(', ')}.` : 'Tags taken off.';
    const after = await during(put(id, { tags: all }, { tags: before.marks.tags }, said, before.etag));
    if (after && field && field.value === typed) {
        field.defaultValue = field.value;
        show(id, { tags: after.tags });
    }
    return after;
}
