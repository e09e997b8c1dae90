import type { Check } from '../../base/parts/findings.ts'
import type { FindingId } from './findings.ts'
import type { SignInSettings } from './variables.ts'

type LoginCheck = Check<SignInSettings, FindingId>

/** `check` and a start load none of it. */
const by = (name: 'checkClient' | 'checkWay' | 'checkRotation'): LoginCheck['run'] =>
  async (...given) => await (await import('./doctor.ts'))[name](...given)

const off = 'LOGIN_CLIENT_ID is not set'
export const checks: readonly LoginCheck[] = [
  {
    title: 'Authgear knows the login\'s client and its redirect URIs',
    off,
    needs: 'authgear',
    isForInit: true,
    run: by('checkClient')
  },
  {
    title: 'the proxy routes the login and forwards its cookie',
    off: 'LOGIN_SESSION is not own',
    run: by('checkWay')
  },
  { title: 'no login secret is left over from a rotation', off, run: by('checkRotation') }
]
