import { h } from 'vue'
import { useData, withBase } from 'vitepress'
import Theme from 'vitepress/theme-without-fonts'
import './style.css'

/** At the end of a page: its Markdown. The router does not follow a link with a target. */
const MarkdownTwin = () => h('a', { href: withBase(`/${useData().page.value.filePath}`), target: '_self' }, 'This page as Markdown')

export default { extends: Theme, Layout: () => h(Theme.Layout, null, { 'doc-footer-before': MarkdownTwin }) }
