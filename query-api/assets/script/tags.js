// The dialog for the tags of a prompt: what is in use completes, what suits it is offered.
// @ts-check
import { api, conversation } from './http.js';
import { button, dialog, make } from './make.js';
import { marksOf, readTags, setTags } from './marks.js';

/** So many tags are offered for what is typed. */
const OFFERED = 30;

/** @param {string} id */
export async function openTags(id) {
    const [said, all, offered] = await Promise.all([
        marksOf(id), api('GET', '/api/tags'), api('GET', conversation(id, 'tag-suggestions')),
    ]);
    if (!said) return;
    const input = /** @type {HTMLInputElement} */ (make('input', {
        id: 'tags-input', name: 'tags', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', list: 'tags-known',
    }));
    const known = make('datalist', { id: 'tags-known' });
    complete(input, known, (all.body?.items ?? []).map((/** @type {{tag: string}} */ item) => item.tag));
    input.value = said.marks.tags.map((tag) => `${tag}, `).join('');

    const fits = make('p', { class: 'suggested' });
    for (const item of offered.body?.items ?? []) {
        const add = button(`+ ${item.tag}`, () => {
            input.value = [...readTags(input.value), item.tag].map((tag) => `${tag}, `).join('');
            add.remove();
            input.focus();
        });
        add.title = item.reason;
        fits.append(add);
    }
    const save = make('button', { type: 'submit', class: 'first' }, 'Save');
    const form = make('form', {},
        make('label', { for: 'tags-input' }, 'Between commas'), input, known, fits,
        make('p', { class: 'actions' }, save, button('Cancel', () => shown.close())));
    form.addEventListener('submit', async (event) => {
        event.preventDefault();
        // What could not be saved stays to be mended.
        if (await setTags(id, readTags(input.value), said.marks.tags)) shown.close();
    });
    const shown = dialog('Tags', form);
    input.focus();
    input.setSelectionRange(input.value.length, input.value.length);
}

/**
 * Offers tags for the last one that is typed; a datalist alone knows only whole values.
 * @param {HTMLInputElement} input
 * @param {HTMLElement} list
 * @param {string[]} tags
 */
export function complete(input, list, tags) {
    const offer = () => {
        const cut = input.value.lastIndexOf(',') + 1;
        const has = readTags(input.value.slice(0, cut)).map((tag) => tag.toLowerCase());
        const typed = input.value.slice(cut).trim().toLowerCase();
        const fit = tags.filter((tag) => tag.toLowerCase().includes(typed) && !has.includes(tag.toLowerCase()));
        const before = cut ? `${input.value.slice(0, cut).trimEnd()} ` : '';
        list.replaceChildren(...fit.slice(0, OFFERED).map((tag) => make('option', { value: `${before}${tag}` })));
    };
    input.addEventListener('input', offer);
    input.addEventListener('focus', offer);
}

// The field for tags that a page has itself.
document.addEventListener('focusin', async ({ target }) => {
    if (!(target instanceof HTMLInputElement) || !target.matches('form.marks-form input[name=tags]:not([data-completes])')) return;
    target.dataset.completes = '';
    const list = target.parentElement?.appendChild(make('datalist', { id: `${target.id}-known` }));
    const all = await api('GET', '/api/tags');
    if (!list || !all.ok) return;
    target.setAttribute('list', list.id);
    complete(target, list, all.body.items.map((/** @type {{tag: string}} */ item) => item.tag));
});
