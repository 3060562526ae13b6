// What begins on each page.
// @ts-check
import { start as startConversation } from './conversation.js';
import { start as startCopies } from './copy.js';
import './folds.js';
import { start as startHealth } from './health.js';
import { help, key } from './keys.js';
import { start as startKeys } from './list.js';
import { startFirst, startList } from './live.js';
import { start as startSearch } from './search.js';
import { start as startSession } from './session.js';

const page = document.documentElement.dataset.page;

key('g t', 'Go to the timeline', () => location.assign('/'));
key('g s', 'Go to the sessions', () => location.assign('/sessions'));
key('g l', 'Go to the library', () => location.assign('/library'));
key('g i', 'Go to the insights', () => location.assign('/insights'));
key('g h', 'Go to the health page', () => location.assign('/health'));

startCopies();
startKeys();
startSearch();
if (page === 'conversation') startConversation();
if (page === 'timeline') startList();
if (page === 'start') startFirst();
if (page === 'health') startHealth();
if (page === 'session') startSession();

for (const keys of document.querySelectorAll('[data-keys]')) {
    keys.removeAttribute('hidden');
    keys.addEventListener('click', help);
}
