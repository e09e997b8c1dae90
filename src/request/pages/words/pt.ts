import type { Words } from './words.ts'

const TELL = 'Avise os responsáveis por este site.'
const GOES_ON = 'Se isto durar mais do que alguns minutos, avise os responsáveis por este site.'
const DELETE_COOKIES =
  'Apague primeiro os cookies deste site no seu navegador. Se isso não ajudar, avise os responsáveis por este site.'
const UNAVAILABLE = {
  title: 'Temporariamente indisponível',
  message: 'Não é possível verificar a sua sessão neste momento. Não há nada de errado com a sua conta.',
  advice: GOES_ON
}

export const pt: Words = {
  reference: 'Referência:',
  signedInAs: 'A sua sessão está aberta como {account}.',
  missing: 'O que falta: {name}.',
  actions: {
    signIn: 'Entrar',
    tryAgain: 'Tentar novamente',
    changeUser: 'Entrar com outra conta',
    signOut: 'Sair',
    getHelp: 'Obter ajuda'
  },
  askHow:
    'Se não sabe como entrar, pergunte aos responsáveis por este site ou à pessoa que lhe deu o endereço.',
  refusals: {
    not_signed_in: {
      title: 'A sua sessão não está aberta',
      message: 'Esta página é só para pessoas que entraram com a sua conta.'
    },
    session_ended: {
      title: 'A sua sessão terminou',
      message: 'As sessões terminam depois de algum tempo, ou quando sai em outro dispositivo.'
    },
    unreadable: {
      title: 'Não foi possível ler a sua sessão',
      message: 'O seu navegador enviou algo que não pode ser uma sessão.',
      advice: 'Se entrar novamente não ajudar, apague os cookies deste site no seu navegador.'
    },
    ambiguous: {
      title: 'Não foi possível ler a sua sessão',
      message: 'Foi enviada mais de uma sessão, por isso nenhuma foi usada.',
      advice: 'A causa pode ser uma extensão do navegador que acrescenta cabeçalhos. Desative-a primeiro.'
    },
    wrong_audience: {
      title: 'Esta sessão é de outro serviço',
      message: 'O seu navegador enviou uma sessão que não é para este site.',
      advice: 'Apague primeiro os cookies deste site no seu navegador.'
    },
    client_blocked: {
      title: 'Esta aplicação está bloqueada aqui',
      message: 'A aplicação que enviou este token de acesso não pode ser usada aqui.',
      advice: TELL
    },
    step_up: {
      title: 'Confirme que é você',
      message: 'Para a sua segurança, esta página precisa de uma entrada recente ou mais forte.'
    },
    forbidden: {
      title: 'Sem acesso com esta conta',
      message: 'Esta conta não pode abrir esta página.',
      advice:
        'Se acha que deveria poder, pergunte aos responsáveis por este site ou à pessoa que lhe deu o endereço.'
    },
    unavailable: UNAVAILABLE
  },
  logins: {
    state_unknown: {
      title: 'Esta entrada não pode continuar',
      message: 'Foi iniciada em outro lugar, ou já não está completa. Nada foi alterado.'
    },
    cookies_blocked: {
      title: 'O seu navegador não guarda nenhum cookie deste site',
      message: 'A entrada precisa de um, para saber que ainda é o mesmo navegador.',
      advice: 'Permita primeiro os cookies deste site.'
    },
    login_denied: {
      title: 'Não entrou',
      message: 'A entrada foi cancelada, ou esta conta não pode usar este site.'
    },
    login_misconfigured: {
      title: 'A entrada não está bem configurada',
      message: 'O serviço de autenticação recusou o pedido deste site.',
      advice: TELL
    },
    login_failed: {
      title: 'A entrada não funcionou',
      message: 'O serviço de autenticação comunicou um erro.',
      advice: GOES_ON
    },
    cookie_missing: {
      title: 'Entrou, mas este site não foi informado',
      message:
        'O serviço de autenticação conhece a sua conta, mas o seu navegador não enviou nenhuma sessão a este ' +
          'site.',
      advice: `Não fez nada de errado, e entrar novamente não ajuda. ${TELL}`
    },
    cookie_unknown: {
      title: 'Entrou, mas a sua sessão não foi reconhecida',
      message: 'O seu navegador enviou uma sessão que o serviço de autenticação não conhece.',
      advice: DELETE_COOKIES
    },
    redirect_loop: {
      title: 'A entrada anda em círculos',
      message: 'A sua sessão está aberta, mas a página que quer volta sempre para aqui. Por isso, isto foi parado.',
      advice: DELETE_COOKIES
    },
    host_unknown: {
      title: 'Ninguém pode entrar neste endereço',
      message: 'Este site não está configurado para entrar pelo endereço que o seu navegador mostra.',
      advice: 'Abra-o pelo endereço habitual, ou avise os responsáveis.'
    },
    step_up_refused: {
      title: 'Não foi confirmado',
      message:
        'Para a página que quer, a pessoa com a sessão aberta aqui tem de confirmar que é ela. Outros aplicativos ' +
          'deste navegador podem pedir um novo login.',
      advice: 'Entre com a mesma conta.'
    },
    step_up_off: {
      title: 'Esta página precisa de um login recente',
      message:
        'Para a página que quer, você precisa confirmar que é você, e este site não pode pedir isso. A sua sessão ' +
          'continua aberta.',
      advice: TELL
    },
    too_many_codes: {
      title: 'Demasiadas tentativas',
      message: 'Tentou-se entrar vezes demais a partir daqui em um minuto.',
      advice: 'Espere primeiro um minuto.'
    },
    session_not_kept: {
      title: 'Temporariamente indisponível',
      message: 'Não foi possível concluir isto neste momento. Não há nada de errado com a sua conta.'
    },
    not_a_page: {
      title: 'Abra isto como uma página própria',
      message: 'Não é possível entrar nem sair dentro de outra página, nem antecipadamente.',
      advice: 'Abra este endereço em uma aba própria.'
    },
    cross_site: {
      title: 'Quer sair?',
      message: 'Outro site enviou-lhe para aqui, por isso ainda nada foi feito.',
      advice: 'Se quer manter a sessão aberta, basta deixar esta página.'
    },
    login_unavailable: UNAVAILABLE,
    signed_out: {
      title: 'A sua sessão foi encerrada',
      message: 'Pode fechar esta página.',
      advice: 'Em um computador que outras pessoas também usam, feche também o navegador.'
    }
  }
}
