/** The looks and words of a deployment's pages: BRAND_*, DENIED_TEXT and SUPPORT_URL. */
export type PageSettings = Readonly<{
  brandName: string | undefined
  /** As a `data:` URL, so that no page loads anything. */
  brandLogo: string | undefined
  /** `#rrggbb` */
  brandColor: string | undefined
  /** The operator's words for one who may not open a page. */
  deniedText: string | undefined
  supportUrl: string | undefined
}>

export const PLAIN: PageSettings = Object.freeze({
  brandName: undefined, brandLogo: undefined, brandColor: undefined, deniedText: undefined, supportUrl: undefined
})
