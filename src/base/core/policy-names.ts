const NAMING = /^(user|email)=(.*)$/s

/** A parameter as it may be logged: names of people are a number. */
export function withoutNames (parameter: string): string {
  const [, name, list = ''] = NAMING.exec(parameter) ?? []
  return name === undefined ? parameter : `${name}=(${list.split(/,|%2c/i).length})`
}
