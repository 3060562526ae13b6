// Buttons that copy: something on the page, or a text that the server has.
// @ts-check
import { toast } from './toast.js';

/** @param {string} url */
async function textOf(url) {
    const answer = await fetch(url, { headers: { Accept: 'text/plain' } });
    if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
    return answer.text();
}

/** @param {HTMLElement} button */
export async function copy(button) {
    const { copy: url, copies: id } = button.dataset;
    try {
        const text = url ? await textOf(url) : document.getElementById(id ?? '')?.textContent ?? '';
        await navigator.clipboard.writeText(text);
        toast(text ? 'Copied.' : 'Copied: it is empty.');
    } catch (error) {
        toast(`Not copied. ${error instanceof Error ? error.message : ''}`, { bad: true });
    }
}

/** Shows the buttons, which can do nothing without a script. @param {ParentNode} within */
export function start(within = document) {
    for (const button of within.querySelectorAll('button[data-copy], button[data-copies]')) {
        button.removeAttribute('hidden');
        button.addEventListener('click', () => copy(/** @type {HTMLElement} */ (button)));
    }
}
