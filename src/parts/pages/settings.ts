/** What the pages of a deployment look like, and whom they name: BRAND_*, DENIED_TEXT and SUPPORT_URL. */
export type PageSettings = Readonly<{
  brandName: string | undefined
  /** As a `data:` URL, so that no page loads anything. */
  brandLogo: string | undefined
  /** `#rrggbb` */
  brandColor: string | undefined
  /** What is missing to one who may not open a page, in the operator's words. */
  deniedText: string | undefined
  supportUrl: string | undefined
}>

export const PLAIN: PageSettings = Object.freeze({
  brandName: undefined, brandLogo: undefined, brandColor: undefined, deniedText: undefined, supportUrl: undefined
})
