import htm from 'htm';
import { h } from 'preact';

/**
 * Elements from a template: `html\`<p class="note">${text}</p>\``. What is put in becomes text or attributes, never
 * markup, whoever wrote it.
 */
export const html = htm.bind(h);
