// Asks the server: whole pages as documents, and the JSON API.
// @ts-check
import { toast } from './toast.js';

/** How long a page may take, in milliseconds: the server ends a question after two seconds. */
const PATIENCE = 20_000;
/** What a browser still sends for a page that is gone, in bytes of a body: it takes 64 KiB for all of them together. */
const SENT_ANYWAY = 16 * 1024;

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

let changed = -Infinity;

/** When this page last changed something, as `performance.now()` tells the time. */
export const lastChange = () => changed;

/**
 * A request to the API. It never throws: what went wrong is `said`, and told in a toast, and `status` is 0 where nobody answered.
 * 412 is told by nobody but the caller, who asked for it with If-Match.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {Record<string, string>} [headers]
 * @param {{quiet?: boolean}} [how] `quiet`: the caller tells what is `said`.
 * @returns {Promise<{status: number, ok: boolean, body: any, etag: string | null, said: string}>}
 */
export async function api(method, path, body, headers = {}, { quiet = false } = {}) {
    const text = body === undefined ? undefined : JSON.stringify(body);
    /** @type {Record<string, string>} */
    const sent = body === undefined ? {} : { 'Content-Type': 'application/json' };
    try {
        const answer = await fetch(path, {
            method,
            headers: { Accept: 'application/json', ...sent, ...headers },
            body: text,
            keepalive: method !== 'GET' && new Blob([text ?? '']).size <= SENT_ANYWAY,
        });
        if (method !== 'GET') changed = performance.now();
        const read = await answer.json().catch(() => null);
        const said = answer.ok ? '' : inWords(read?.detail, body) || `The server answered ${answer.status}.`;
        if (said && !quiet && answer.status !== 412) toast(said, { bad: true });
        return { status: answer.status, ok: answer.ok, body: read, etag: answer.headers.get('ETag'), said };
    } catch {
        const said = 'The server does not answer.';
        if (!quiet) toast(`${said} Nothing was changed.`, { bad: true });
        return { status: 0, ok: false, body: null, etag: null, said };
    }
}

/**
 * What the API says of a field, for who typed in it: with what stands there in place of a path to it.
 * @param {unknown} detail
 * @param {any} body
 */
function inWords(detail, body) {
    if (typeof detail !== 'string') return '';
    return detail.replace(/^`(\w+)(?:\[(\d+)\])?` (?:is wrong: )?/, (path, name, at) => {
        const meant = at === undefined ? undefined : body?.[name]?.[Number(at)];
        if (typeof meant === 'string') return `“${meant.length > 40 ? `${meant.slice(0, 40)}…` : meant}” `;
        return ({ notes: 'The note ', tags: 'The tags ', rating: 'The rating ' })[name] ?? path;
    });
}

/**
 * The path of a conversation in the API.
 * @param {string} id
 * @param {string} rest
 */
export const conversation = (id, rest) => `/api/conversations/${encodeURIComponent(id)}/${rest}`;
