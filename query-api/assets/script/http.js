// Asks the server: whole pages as documents, and the JSON API.
// @ts-check
import { toast } from './toast.js';

/** How long a page may take, in milliseconds: the server ends a question after two seconds. */
const PATIENCE = 20_000;

/**
 * A page as a document of which nothing runs. XMLHttpRequest parses it, because the pages allow no way from text to nodes.
 * A page that says what is wrong with its own address (400) is a page too.
 * @param {string} url
 * @param {AbortSignal} [signal]
 * @returns {Promise<Document>}
 */
export function load(url, signal) {
    return new Promise((resolve, reject) => {
        const request = new XMLHttpRequest();
        request.open('GET', url);
        request.responseType = 'document';
        request.timeout = PATIENCE;
        request.setRequestHeader('Accept', 'text/html');
        request.onload = () => {
            const page = request.responseXML;
            if (page && (request.status === 200 || request.status === 400)) return resolve(page);
            reject(new Error(page?.querySelector('main h1')?.textContent || `The server answered ${request.status}.`));
        };
        request.onerror = request.ontimeout = () => reject(new Error('The server does not answer.'));
        request.onabort = () => reject(new DOMException('No longer wanted.', 'AbortError'));
        signal?.addEventListener('abort', () => request.abort(), { once: true });
        request.send();
    });
}

/**
 * A request to the API. It never throws: what goes wrong is told in a toast, and `status` is 0 where nobody answered. 412 is
 * told by nobody but the caller, who asked for it with If-Match.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {Record<string, string>} [headers]
 * @returns {Promise<{status: number, ok: boolean, body: any, etag: string | null}>}
 */
export async function api(method, path, body, headers = {}) {
    /** @type {Record<string, string>} */
    const sent = body === undefined ? {} : { 'Content-Type': 'application/json' };
    try {
        const answer = await fetch(path, {
            method,
            headers: { Accept: 'application/json', ...sent, ...headers },
            body: body === undefined ? undefined : JSON.stringify(body),
            keepalive: method !== 'GET',
        });
        const read = await answer.json().catch(() => null);
        if (!answer.ok && answer.status !== 412) toast(read?.detail || `The server answered ${answer.status}.`, { bad: true });
        return { status: answer.status, ok: answer.ok, body: read, etag: answer.headers.get('ETag') };
    } catch {
        toast('The server does not answer. Nothing was changed.', { bad: true });
        return { status: 0, ok: false, body: null, etag: null };
    }
}

/**
 * The path of a conversation in the API.
 * @param {string} id
 * @param {string} rest
 */
export const conversation = (id, rest) => `/api/conversations/${encodeURIComponent(id)}/${rest}`;
