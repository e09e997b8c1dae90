import type { StatusOf } from '../../base/parts/figures.ts'

export const status: StatusOf = {
  problems: [
    {
      level: 'warn',
      when: ({ since: { held = 0, limited = 0 } }) => held + limited > 0,
      sentence: ({ since: { held = 0, limited = 0 } }) =>
        `${held + limited} client ids and secrets (basic=on) got 503, since Authgear's tokens of a minute were used ` +
          'up: name your clients with client=, so that guesses cost nothing',
      link: 'users-see-503'
    }
  ]
}
