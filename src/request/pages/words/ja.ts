import type { Words } from './words.ts'

const TELL = 'このサイトの管理者にお知らせください。'
const GOES_ON = '数分たっても変わらない場合は、このサイトの管理者にお知らせください。'
const DELETE_COOKIES =
  'まず、ブラウザーでこのサイトの Cookie を削除してください。それでも解決しない場合は、このサイトの管理者にお知らせください。'
const UNAVAILABLE = {
  title: '一時的に利用できません',
  message: '現在、ログイン状態を確認できません。アカウントに問題はありません。',
  advice: GOES_ON
}

export const ja: Words = {
  reference: '参照番号：',
  signedInAs: '{account} としてログインしています。',
  missing: '必要なもの：{name}',
  actions: {
    signIn: 'ログイン',
    tryAgain: 'もう一度試す',
    changeUser: '別のアカウントでログイン',
    signOut: 'ログアウト',
    getHelp: '問い合わせる'
  },
  askHow: 'ログインの方法がわからない場合は、このサイトの管理者か、アドレスを教えてくれた人に尋ねてください。',
  refusals: {
    not_signed_in: {
      title: 'ログインしていません',
      message: 'このページを見ることができるのは、ログインした人だけです。'
    },
    session_ended: {
      title: 'セッションが終了しました',
      message: 'セッションは、一定の時間がたつか、別の端末でログアウトすると終了します。'
    },
    unreadable: {
      title: 'ログイン情報を読み取れませんでした',
      message: 'ブラウザーが送ったものは、ログイン情報ではありません。',
      advice: 'もう一度ログインしても解決しない場合は、ブラウザーでこのサイトの Cookie を削除してください。'
    },
    ambiguous: {
      title: 'ログイン情報を読み取れませんでした',
      message: '複数のログイン情報が送られたため、どれも使われませんでした。',
      advice: 'ヘッダーを追加するブラウザー拡張機能が原因かもしれません。まず、それを無効にしてください。'
    },
    wrong_audience: {
      title: '別のサービスのログイン情報です',
      message: 'ブラウザーが送ったログイン情報は、このサイトのものではありません。',
      advice: 'まず、ブラウザーでこのサイトの Cookie を削除してください。'
    },
    client_blocked: {
      title: 'このアプリはブロックされています',
      message: 'このアクセストークンを送ったアプリは、ここでは使えません。',
      advice: TELL
    },
    step_up: {
      title: 'ご本人であることを確認してください',
      message: '安全のため、このページには最近のログイン、またはより強いログインが必要です。'
    },
    forbidden: {
      title: 'このアカウントではアクセスできません',
      message: 'このアカウントは、このページを開くことができません。',
      advice:
        '開けるはずだと思われる場合は、このサイトの管理者か、アドレスを教えてくれた人に尋ねてください。'
    },
    unavailable: UNAVAILABLE
  },
  logins: {
    state_unknown: {
      title: 'このログインは続けられません',
      message: '別の場所で始められたか、情報が足りなくなっています。何も変更されていません。'
    },
    cookies_blocked: {
      title: 'ブラウザーがこのサイトの Cookie を保存していません',
      message: '同じブラウザーであることを確かめるため、ログインには Cookie が必要です。',
      advice: 'まず、このサイトの Cookie を許可してください。'
    },
    login_denied: {
      title: 'ログインしませんでした',
      message: 'ログインが取り消されたか、このアカウントではこのサイトを利用できません。'
    },
    login_misconfigured: {
      title: 'ログインが正しく設定されていません',
      message: 'ログインサービスが、このサイトからの要求を拒否しました。',
      advice: TELL
    },
    login_failed: {
      title: 'ログインできませんでした',
      message: 'ログインサービスがエラーを返しました。',
      advice: GOES_ON
    },
    cookie_missing: {
      title: 'ログインしましたが、このサイトに伝わっていません',
      message: 'ログインサービスでは確認できましたが、ブラウザーからこのサイトにセッションが送られませんでした。',
      advice: `操作に間違いはありません。もう一度ログインしても解決しません。${TELL}`
    },
    cookie_unknown: {
      title: 'ログインしましたが、セッションを確認できませんでした',
      message: 'ブラウザーが送ったセッションを、ログインサービスは認識していません。',
      advice: DELETE_COOKIES
    },
    redirect_loop: {
      title: 'ログインが繰り返されています',
      message: 'ログインしていますが、目的のページから何度もここに戻されるため、停止しました。',
      advice: DELETE_COOKIES
    },
    host_unknown: {
      title: 'このアドレスではログインできません',
      message: 'ブラウザーに表示されているアドレスでは、このサイトのログインが設定されていません。',
      advice: 'いつものアドレスで開くか、このサイトの管理者にお知らせください。'
    },
    step_up_refused: {
      title: '確認できませんでした',
      message: '目的のページを開くには、ログインしているご本人の確認が必要です。このブラウザーの他のアプリで、再度ログインが必要になることがあります。',
      advice: '同じアカウントでログインしてください。'
    },
    step_up_off: {
      title: 'このページには新しいログインが必要です',
      message: '目的のページを開くにはご本人の確認が必要ですが、このサイトでは確認を行えません。ログイン状態は続いています。',
      advice: TELL
    },
    too_many_codes: {
      title: '試行回数が多すぎます',
      message: '1 分間に、ここからのログインが多すぎました。',
      advice: 'まず、1 分ほどお待ちください。'
    },
    session_not_kept: {
      title: '一時的に利用できません',
      message: '現在、この操作を完了できません。アカウントに問題はありません。'
    },
    not_a_page: {
      title: '独立したページとして開いてください',
      message: '別のページの中や、先読みでは、ログインもログアウトもできません。',
      advice: 'このアドレスを、独立したタブで開いてください。'
    },
    cross_site: {
      title: 'ログアウトしますか？',
      message: '別のサイトからここに移動したため、まだ何も行われていません。',
      advice: 'ログインしたままにする場合は、このページを離れてください。'
    },
    login_unavailable: UNAVAILABLE,
    signed_out: {
      title: 'ログアウトしました',
      message: 'このページを閉じてもかまいません。',
      advice: 'ほかの人も使うコンピューターでは、ブラウザーも閉じてください。'
    }
  }
}
