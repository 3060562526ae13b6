// Elements made without markup: texts become text, never tags.
// @ts-check

/**
 * @param {string} name
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} inside
 * @returns {HTMLElement}
 */
export function make(name, attributes = {}, ...inside) {
    const made = document.createElement(name);
    for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
    made.append(...inside);
    return made;
}

/**
 * @param {string} text
 * @param {() => unknown} pressed
 */
export function button(text, pressed) {
    const made = make('button', { type: 'button' }, text);
    made.addEventListener('click', pressed);
    return made;
}

/**
 * A dialog over the page. It is gone from the page once it is closed, and the focus is where it was.
 * @param {string} title
 * @param {...(Node | string)} inside
 * @returns {HTMLDialogElement}
 */
export function dialog(title, ...inside) {
    const heading = make('h2', { id: 'dialog-title' }, title);
    const made = /** @type {HTMLDialogElement} */ (make('dialog', { 'aria-labelledby': 'dialog-title' }, heading, ...inside));
    const before = document.activeElement;
    made.addEventListener('close', () => {
        made.remove();
        if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    });
    document.body.append(made);
    made.showModal();
    return made;
}

/**
 * Takes what was typed in fields along into those that take their place, and leaves the folds open that hold it.
 * @param {Element} old
 * @param {Element} made
 */
export function carry(old, made) {
    for (const field of old.querySelectorAll('input[id], textarea[id]')) {
        const typed = /** @type {HTMLInputElement} */ (field);
        const now = made.querySelector(`#${CSS.escape(typed.id)}`);
        if (typed.value === typed.defaultValue || !now) continue;
        /** @type {HTMLInputElement} */ (now).value = typed.value;
        now.closest('details')?.setAttribute('open', '');
    }
}
