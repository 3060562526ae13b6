// Splits a session before a prompt, and takes that back.
// @ts-check
import { api } from './http.js';
import { toast } from './toast.js';

/** Said on the document when sessions were cut or joined, for whoever shows them. */
const changed = () => document.dispatchEvent(new Event('sessions-changed'));

/**
 * @param {string} id The first prompt of the new session.
 * @param {string} session The session that it is in.
 */
export async function splitAt(id, session) {
    const answer = await api('POST', '/api/sessions/split', { session_id: session, at: [Number(id)] });
    if (!answer.ok) return;
    const [made] = answer.body.made;
    changed();
    toast('Split: a new session begins with this prompt.', {
        link: { href: `/sessions/${encodeURIComponent(made)}`, text: 'Open it' },
        undo: { work: () => joinAgain(made) },
    });
}

/** Takes a split back. @param {string} session The one that it made. */
export const joinAgain = (session) => takeBack(session, '', 'Joined again.');

/**
 * @param {string} session
 * @param {string} change One of its joins.
 */
export const partAgain = (session, change) => takeBack(session, `?change=${encodeURIComponent(change)}`, 'Apart again.');

/**
 * Gives `false` where nobody answered.
 * @param {string} session
 * @param {string} which
 * @param {string} said
 */
async function takeBack(session, which, said) {
    const undone = await api('DELETE', `/api/sessions/${encodeURIComponent(session)}${which}`);
    if (!undone.ok) return undone.status !== 0;
    changed();
    toast(said);
    return true;
}
