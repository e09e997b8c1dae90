import type { Words } from './words.ts'

const TELL = '이 사이트의 운영자에게 알려 주세요.'
const GOES_ON = '몇 분이 지나도 계속되면 이 사이트의 운영자에게 알려 주세요.'
const DELETE_COOKIES =
  '먼저 브라우저에서 이 사이트의 쿠키를 삭제하세요. 그래도 해결되지 않으면 이 사이트의 운영자에게 알려 주세요.'
const UNAVAILABLE = {
  title: '일시적으로 사용할 수 없습니다',
  message: '지금은 로그인 상태를 확인할 수 없습니다. 계정에는 문제가 없습니다.',
  advice: GOES_ON
}

export const ko: Words = {
  reference: '참조 번호:',
  signedInAs: '{account} 계정으로 로그인되어 있습니다.',
  missing: '필요한 권한: {name}',
  actions: {
    signIn: '로그인',
    tryAgain: '다시 시도',
    changeUser: '다른 계정으로 로그인',
    signOut: '로그아웃',
    getHelp: '도움 받기'
  },
  askHow: '로그인 방법을 모르면 이 사이트의 운영자나 주소를 알려 준 사람에게 문의하세요.',
  refusals: {
    not_signed_in: { title: '로그인되어 있지 않습니다', message: '이 페이지는 로그인한 사람만 볼 수 있습니다.' },
    session_ended: {
      title: '세션이 끝났습니다',
      message: '세션은 일정 시간이 지나거나 다른 기기에서 로그아웃하면 끝납니다.'
    },
    unreadable: {
      title: '로그인 정보를 읽을 수 없습니다',
      message: '브라우저가 보낸 것은 로그인 정보일 수 없습니다.',
      advice: '다시 로그인해도 해결되지 않으면 브라우저에서 이 사이트의 쿠키를 삭제하세요.'
    },
    ambiguous: {
      title: '로그인 정보를 읽을 수 없습니다',
      message: '로그인 정보가 둘 이상 전송되어 어느 것도 사용하지 않았습니다.',
      advice: '헤더를 추가하는 브라우저 확장 프로그램이 원인일 수 있습니다. 먼저 끄세요.'
    },
    wrong_audience: {
      title: '다른 서비스의 로그인 정보입니다',
      message: '브라우저가 보낸 로그인 정보는 이 사이트용이 아닙니다.',
      advice: '먼저 브라우저에서 이 사이트의 쿠키를 삭제하세요.'
    },
    client_blocked: {
      title: '이 앱은 여기에서 차단되었습니다',
      message: '이 액세스 토큰을 보낸 앱은 여기에서 사용할 수 없습니다.',
      advice: TELL
    },
    step_up: {
      title: '본인인지 확인해 주세요',
      message: '안전을 위해 이 페이지에는 최근의 로그인 또는 더 강력한 로그인이 필요합니다.'
    },
    forbidden: {
      title: '이 계정으로는 접근할 수 없습니다',
      message: '이 계정은 이 페이지를 열 수 없습니다.',
      advice: '열 수 있어야 한다고 생각하면 이 사이트의 운영자나 주소를 알려 준 사람에게 문의하세요.'
    },
    unavailable: UNAVAILABLE
  },
  logins: {
    state_unknown: {
      title: '이 로그인을 계속할 수 없습니다',
      message: '다른 곳에서 시작되었거나 정보가 더 이상 완전하지 않습니다. 변경된 것은 없습니다.'
    },
    cookies_blocked: {
      title: '브라우저가 이 사이트의 쿠키를 저장하지 않습니다',
      message: '같은 브라우저인지 확인하려면 로그인에 쿠키가 필요합니다.',
      advice: '먼저 이 사이트의 쿠키를 허용하세요.'
    },
    login_denied: {
      title: '로그인하지 않았습니다',
      message: '로그인이 취소되었거나 이 계정은 이 사이트를 사용할 수 없습니다.'
    },
    login_misconfigured: {
      title: '로그인이 올바르게 설정되지 않았습니다',
      message: '로그인 서비스가 이 사이트의 요청을 거부했습니다.',
      advice: TELL
    },
    login_failed: {
      title: '로그인하지 못했습니다',
      message: '로그인 서비스가 오류를 알렸습니다.',
      advice: GOES_ON
    },
    cookie_missing: {
      title: '로그인했지만 이 사이트에 전달되지 않았습니다',
      message: '로그인 서비스에서는 확인되었지만 브라우저가 이 사이트에 세션을 보내지 않았습니다.',
      advice: `잘못하신 것은 없으며, 다시 로그인해도 해결되지 않습니다. ${TELL}`
    },
    cookie_unknown: {
      title: '로그인했지만 세션을 확인할 수 없습니다',
      message: '브라우저가 보낸 세션을 로그인 서비스가 알지 못합니다.',
      advice: DELETE_COOKIES
    },
    redirect_loop: {
      title: '로그인이 계속 반복됩니다',
      message: '로그인되어 있지만 원하는 페이지가 계속 이곳으로 보내고 있어 중단했습니다.',
      advice: DELETE_COOKIES
    },
    host_unknown: {
      title: '이 주소에서는 로그인할 수 없습니다',
      message: '브라우저에 표시된 주소에는 이 사이트의 로그인이 설정되어 있지 않습니다.',
      advice: '평소의 주소로 열거나 이 사이트의 운영자에게 알려 주세요.'
    },
    step_up_refused: {
      title: '확인되지 않았습니다',
      message: '원하는 페이지를 열려면 로그인한 사람이 본인임을 확인해야 합니다. 이 브라우저의 다른 앱에서 다시 로그인해야 할 수 있습니다.',
      advice: '같은 계정으로 로그인하세요.'
    },
    step_up_off: {
      title: '이 페이지에는 새 로그인이 필요합니다',
      message: '원하는 페이지를 열려면 본인 확인이 필요하지만, 이 사이트에서는 확인을 요청할 수 없습니다. 로그인은 유지됩니다.',
      advice: TELL
    },
    too_many_codes: {
      title: '시도 횟수가 너무 많습니다',
      message: '이곳에서 1분 동안 로그인을 너무 많이 시도했습니다.',
      advice: '먼저 1분 동안 기다려 주세요.'
    },
    session_not_kept: {
      title: '일시적으로 사용할 수 없습니다',
      message: '지금은 완료할 수 없습니다. 계정에는 문제가 없습니다.'
    },
    not_a_page: {
      title: '별도의 페이지로 열어 주세요',
      message: '다른 페이지 안에서나 미리 로그인하거나 로그아웃할 수 없습니다.',
      advice: '이 주소를 별도의 탭에서 여세요.'
    },
    cross_site: {
      title: '로그아웃하시겠습니까?',
      message: '다른 사이트가 이곳으로 보냈으므로 아직 아무 일도 하지 않았습니다.',
      advice: '로그인 상태를 유지하려면 이 페이지를 떠나세요.'
    },
    login_unavailable: UNAVAILABLE,
    signed_out: {
      title: '로그아웃되었습니다',
      message: '이 페이지를 닫아도 됩니다.',
      advice: '다른 사람도 사용하는 컴퓨터에서는 브라우저도 닫아 주세요.'
    }
  }
}
