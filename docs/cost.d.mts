type Load = Readonly<{ sessions: number, every: number, ttl: number }>

/** @param replicas as many as its CPU needs, two at least, where it is left out */
export function costOf (load: Load, replicas?: number): Readonly<Record<
  | 'requests' | 'resolutions' | 'resolutionsAlone' | 'reads' | 'commands' | 'cores' | 'replicas' | 'masters'
  | 'redisMegabytes' | 'authgearCores',
  number
>>
/** @returns docs/operations.md with its table of sizes */
export function withCost (page: string): string
/** @returns the pictures by their files */
export function pictures (): Readonly<Record<string, string>>
