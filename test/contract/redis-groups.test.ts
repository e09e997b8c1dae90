import t from 'tap'
import { formsContract } from '../helpers/forms-contract.ts'
import { FORMS } from '../helpers/redis-forms.ts'

formsContract(t, FORMS.filter(({ isGroup }) => isGroup))
