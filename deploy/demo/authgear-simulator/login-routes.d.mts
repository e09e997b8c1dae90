/** A path of this site, or the fallback where `wanted` could lead elsewhere. */
export function backTo (wanted: string, fallback: string): string
