// Buttons that copy: something on the page, or a text that the server has.
// @ts-check
import { button } from './make.js';
import { toast } from './toast.js';

/** @param {string} url */
async function textOf(url) {
    const answer = await fetch(url, { headers: { Accept: 'text/plain' } });
    if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
    return answer.text();
}

/** @param {HTMLElement} wanted */
export async function copy(wanted) {
    const { copy: url, copies: id } = wanted.dataset;
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
    for (const wanted of within.querySelectorAll('button[data-copy], button[data-copies]')) {
        wanted.removeAttribute('hidden');
        wanted.addEventListener('click', () => copy(/** @type {HTMLElement} */ (wanted)));
    }
    offer(within);
}

/** Gives each block of code its own button, also those of what is loaded later. @param {ParentNode} within */
export function offer(within) {
    for (const code of within.querySelectorAll('.told pre.code:not(:has(.copy))')) {
        const made = button('Copy', async () => {
            try {
                await navigator.clipboard.writeText(code.querySelector('code')?.textContent ?? '');
                toast('Copied.');
            } catch {
                toast('Not copied.', { bad: true });
            }
        });
        made.className = 'copy';
        code.prepend(made);
    }
}
