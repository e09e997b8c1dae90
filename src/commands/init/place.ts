/** The name that people open, and the app behind it. */
export type Place = Readonly<{ host: string, app: string }>

export const isLocal = ({ host }: Pick<Place, 'host'>): boolean => host === 'localhost' || host.endsWith('.localhost')

const HAS_8080 = /^https?:\/\/(?:localhost|127(?:\.\d+){3}|\[::1\]):8080\/?$/

/** The proxy's port for a name of this machine; the app may have the first. */
const portOf = ({ app }: Place): number => HAS_8080.test(app) ? 8000 : 8080

/** The URL that people open. */
export const originOf = (place: Place): string =>
  isLocal(place) ? `http://${place.host}:${portOf(place)}` : `https://${place.host}`

/** The arguments for `snippet` about where the proxy listens. */
export const listenArgs = (place: Place): readonly string[] =>
  isLocal(place) ? ['--listen', `127.0.0.1:${portOf(place)}`] : ['--https']
