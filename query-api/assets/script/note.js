// Notes, saved as they are typed. What could not be saved stays where it was typed, and the page says so.
// @ts-check
import { api, conversation } from './http.js';
import { button, dialog, make } from './make.js';
import { marksOf, show, undo } from './marks.js';
import { during, toast } from './toast.js';

/** After the last key, in milliseconds. */
const PAUSE = 600;
/** Until what failed is tried again, in milliseconds. */
const AGAIN = 5_000;

/** Notes that are typed and not yet saved. @type {Set<HTMLTextAreaElement>} */
const unsaved = new Set();
/**
 * What a dialog was closed with before it was saved, and the note that it was typed over, by the id of the prompt.
 * @type {Map<string, {text: string, over: string}>}
 */
const drafts = new Map();

/** A note as a text area reads it. @param {string | null | undefined} text */
const plain = (text) => (text ?? '').replace(/\r\n?/g, '\n');

/** Whether the server has read it and does not take it: then it makes no sense to send it again. @param {number} status */
const isRefusal = (status) => [400, 404, 413, 422].includes(status);

window.addEventListener('beforeunload', (event) => {
    for (const area of unsaved) area.dispatchEvent(new Event('save'));
    if (unsaved.size > 0 || drafts.size > 0) event.preventDefault();
});

/**
 * Saves a text area as it is typed in. It also saves on the event `save` and when the focus leaves.
 * @param {HTMLTextAreaElement} area
 * @param {string} id
 * @param {HTMLElement} status Where it says how it goes.
 * @param {{marks: {notes: string | null}, etag: string | null}} [read] What the area shows, if that was just read.
 * @returns {{save: () => Promise<boolean>, over: () => string, former: () => string}} `save` saves what is not saved yet, and says
 *   whether all is; `over` is the note that is stored, as far as it is known here; `former` what it was when somebody came to it.
 */
export function autosave(area, id, status, read) {
    /** What was saved last, and what the store made of it. */
    let kept = plain(read ? read.marks.notes : area.defaultValue);
    let there = kept;
    let etag = read?.etag ?? null;
    let timer = 0;
    /** The change that is under way. @type {Promise<boolean> | null} */
    let going = null;
    let conflict = false;
    /** What is said against saving it, and whether the server will say the same again. */
    let why = '';
    let refused = false;

    const tell = (/** @type {string} */ text, bad = false) => {
        status.replaceChildren(text);
        status.classList.toggle('bad', bad);
    };
    const later = (/** @type {number} */ after) => {
        window.clearTimeout(timer);
        timer = window.setTimeout(save, after);
    };

    /** A question about the marks, of which the status tells how it went. @type {(method: string, body?: unknown, headers?: Record<string, string>) => ReturnType<typeof api>} */
    async function ask(method, body, headers) {
        const answer = await api(method, conversation(id, 'rating'), body, headers, { quiet: true });
        why = answer.said;
        refused = isRefusal(answer.status);
        return answer;
    }

    /** The marks as they are on the server now. */
    async function readNow() {
        const answer = await ask('GET');
        return answer.ok ? { marks: answer.body, etag: answer.etag } : null;
    }

    /**
     * Whether somebody else wrote. What is to be saved may be there already: its answer can get lost.
     * @param {{marks: {notes: string | null}}} now
     * @param {string} text
     */
    const isOther = (now, text) => ![there, text].includes(plain(now.marks.notes));

    /** @param {string} text */
    async function put(text) {
        if (!etag) {
            const now = await readNow();
            if (!now) return false;
            if (isOther(now, text)) return collide(now);
            etag = now.etag;
        }
        const sent = { notes: text.trim() ? text : null };
        const answer = await ask('PUT', sent, etag ? { 'If-Match': etag } : {});
        if (answer.status === 412) {
            const now = await readNow();
            if (!now) return false;
            // A rating alone makes another state too, and is no reason to ask.
            if (isOther(now, text)) return collide(now);
            etag = now.etag;
            return put(text);
        }
        if (!answer.ok) return false;
        kept = text;
        there = plain(answer.body.notes);
        etag = answer.etag;
        // What is typed since differs from it, and is spared when the marks are shown.
        area.defaultValue = text;
        show(id, answer.body);
        return true;
    }

    /** @param {{marks: {notes: string | null}, etag: string | null}} now */
    function collide(now) {
        conflict = true;
        unsaved.add(area);
        const theirs = plain(now.marks.notes);
        const settle = (/** @type {boolean} */ mine) => {
            conflict = false;
            kept = there = before = theirs;
            etag = now.etag;
            area.defaultValue = theirs;
            if (!mine) area.value = theirs;
            area.focus();
            save();
        };
        tell('This note was changed elsewhere meanwhile. ', true);
        status.append(button('Keep mine', () => settle(true)), ' ', button('Take the other', () => settle(false)));
        return false;
    }

    /** @returns {Promise<boolean>} */
    async function save() {
        window.clearTimeout(timer);
        if (going) {
            await going;
            return save();
        }
        if (conflict) return false;
        const text = area.value;
        if (text === kept) {
            unsaved.delete(area);
            if (status.textContent) tell('Saved');
            return true;
        }
        tell('Saving…');
        going = put(text).catch(() => false);
        const done = await going;
        going = null;
        if (done && area.value === text) {
            unsaved.delete(area);
            tell('Saved');
        } else if (done) {
            later(PAUSE);
        } else if (refused && !conflict) {
            tell(`Not saved. ${why}`, true);
        } else if (!conflict) {
            tell(`Not saved yet. ${why} It is tried again.`, true);
            if (area.isConnected) later(AGAIN);
        }
        return done && area.value === text;
    }

    const typed = () => {
        unsaved.add(area);
        if (conflict) return;
        tell('Not saved yet');
        later(PAUSE);
    };
    area.addEventListener('input', typed);
    /** What the note was when somebody came to it. */
    let before = kept;
    if (!read) area.addEventListener('focus', () => { before = kept; });
    const leave = async () => {
        const former = before;
        if (!(await save()) || read || kept === former) return;
        before = kept;
        const as = (/** @type {string} */ text) => ({ notes: text.trim() ? text : null });
        const [now, then] = [as(kept), as(former)];
        toast(now.notes ? 'Note saved.' : 'Note taken away.', { undo: undo(id, now, then) });
    };
    area.addEventListener('blur', () => { if (!conflict) during(leave()); });
    area.addEventListener('save', () => { save(); });
    // Another note than the one that was read, for instance after one was taken back.
    area.addEventListener('given', () => {
        kept = there = before = area.value;
        etag = null;
        unsaved.delete(area);
    });
    if (!read && area.value !== area.defaultValue) {
        // Somebody was quicker than the script; or the browser brings back what was typed when it comes back to a page, which may
        // be older than what the server has.
        if (area === document.activeElement) typed();
        else collide({ marks: { notes: area.defaultValue }, etag: null });
    }
    return { save, over: () => there, former: () => before };
}

/** @param {string} id */
export async function openNote(id) {
    const read = await marksOf(id);
    if (!read) return;
    const draft = drafts.get(id);
    // What was typed over another note than there is now is not to be saved without a question.
    const known = draft && draft.over !== plain(read.marks.notes) ? { marks: { notes: draft.over }, etag: null } : read;
    const area = /** @type {HTMLTextAreaElement} */ (make('textarea', { id: 'note-area', rows: '10' }));
    area.value = draft?.text ?? read.marks.notes ?? '';
    const status = make('span', { class: 'saved', role: 'status' });
    const shown = dialog('Note', make('label', { class: 'vh', for: 'note-area' }, 'Note'), area);
    const { save, over, former } = autosave(area, id, status, known);
    let leaves = false;
    const close = async () => {
        if (await save()) return shown.close();
        if (leaves) return;
        leaves = true;
        actions.append(button('Close without saving', () => {
            unsaved.delete(area);
            shown.close();
        }));
    };
    const actions = make('p', { class: 'actions' }, button('Close', close), status);
    shown.append(actions);
    shown.addEventListener('cancel', (event) => {
        event.preventDefault();
        close();
    });
    shown.addEventListener('close', () => {
        drafts.delete(id);
        if (unsaved.delete(area)) {
            // A browser closes a dialog at the second Escape, whatever a page says.
            drafts.set(id, { text: area.value, over: over() });
            return toast('The note is not saved. It is still there when you open it again.', { bad: true });
        }
        // What was closed without saving is in the field, and not in the store.
        const [after, before] = [over(), former()].map((text) => (text.trim() ? text : null));
        if (after === before) return;
        toast(after ? 'Note saved.' : 'Note taken away.', { undo: undo(id, { notes: after }, { notes: before }) });
    });
    if (draft) area.dispatchEvent(new Event('input'));
    area.focus();
}

// The notes that pages show as forms.
for (const area of document.querySelectorAll('form.marks-form textarea[name=notes]')) {
    const id = area.closest('[data-id]')?.getAttribute('data-id');
    if (!id || !(area instanceof HTMLTextAreaElement)) continue;
    const form = /** @type {HTMLFormElement} */ (area.form);
    const status = form.querySelector('.saved') ?? form.appendChild(make('span', { class: 'saved', role: 'status' }));
    autosave(area, id, /** @type {HTMLElement} */ (status));
}
