import type { Words } from './words.ts'

const TELL = '请告知本网站的管理员。'
const GOES_ON = '如果几分钟后仍然如此，请告知本网站的管理员。'
const DELETE_COOKIES = '请先在浏览器中删除本网站的 Cookie。如果仍未解决，请告知本网站的管理员。'
const UNAVAILABLE = {
  title: '暂时无法使用',
  message: '目前无法检查您的登录状态。您的账户没有问题。',
  advice: GOES_ON
}

export const zhHans: Words = {
  reference: '参考编号：',
  signedInAs: '您当前登录的账户是 {account}。',
  missing: '缺少的权限：{name}',
  actions: {
    signIn: '登录',
    tryAgain: '重试',
    changeUser: '使用其他账户登录',
    signOut: '退出登录',
    getHelp: '获取帮助'
  },
  askHow: '如果您不知道如何登录，请询问本网站的管理员，或向您提供网址的人。',
  refusals: {
    not_signed_in: { title: '您尚未登录', message: '只有登录的人才能打开此页面。' },
    session_ended: { title: '您的会话已结束', message: '会话会在一段时间后结束，或在您于其他设备上退出登录时结束。' },
    unreadable: {
      title: '无法读取您的登录信息',
      message: '您的浏览器发送的内容不是有效的登录信息。',
      advice: '如果重新登录没有帮助，请在浏览器中删除本网站的 Cookie。'
    },
    ambiguous: {
      title: '无法读取您的登录信息',
      message: '收到了多份登录信息，因此一份也没有使用。',
      advice: '原因可能是某个添加请求头的浏览器扩展。请先将其关闭。'
    },
    wrong_audience: {
      title: '此登录信息属于其他服务',
      message: '您的浏览器发送的登录信息不适用于本网站。',
      advice: '请先在浏览器中删除本网站的 Cookie。'
    },
    client_blocked: {
      title: '此应用在这里已被阻止',
      message: '发送此访问令牌的应用不能在这里使用。',
      advice: TELL
    },
    step_up: { title: '请确认是您本人', message: '为了您的安全，此页面需要近期的登录或更强的登录方式。' },
    forbidden: {
      title: '此账户没有访问权限',
      message: '此账户不能打开此页面。',
      advice: '如果您认为应该可以，请询问本网站的管理员，或向您提供网址的人。'
    },
    unavailable: UNAVAILABLE
  },
  logins: {
    state_unknown: { title: '此次登录无法继续', message: '它是在别处开始的，或者信息已不完整。没有任何更改。' },
    cookies_blocked: {
      title: '您的浏览器没有保存本网站的 Cookie',
      message: '登录需要 Cookie，以便确认仍是同一个浏览器。',
      advice: '请先允许本网站使用 Cookie。'
    },
    login_denied: { title: '您没有登录', message: '登录已取消，或者此账户不能使用本网站。' },
    login_misconfigured: {
      title: '登录功能没有正确设置',
      message: '登录服务拒绝了本网站的请求。',
      advice: TELL
    },
    login_failed: { title: '登录没有成功', message: '登录服务报告了一个错误。', advice: GOES_ON },
    cookie_missing: {
      title: '已登录，但本网站没有收到',
      message: '登录服务认识您，但您的浏览器没有向本网站发送会话。',
      advice: `您没有做错什么，重新登录也不会有帮助。${TELL}`
    },
    cookie_unknown: {
      title: '已登录，但无法识别您的会话',
      message: '您的浏览器发送了一个登录服务不认识的会话。',
      advice: DELETE_COOKIES
    },
    redirect_loop: {
      title: '登录陷入了循环',
      message: '您已登录，但您要打开的页面一直把您送回这里，因此已停止。',
      advice: DELETE_COOKIES
    },
    host_unknown: {
      title: '无法在此网址登录',
      message: '本网站没有为浏览器显示的这个网址设置登录。',
      advice: '请通过平常的网址打开，或告知本网站的管理员。'
    },
    step_up_refused: {
      title: '未能确认',
      message: '您要打开的页面需要当前登录的人确认是本人。此浏览器中的其他应用可能会要求您重新登录。',
      advice: '请使用同一个账户登录。'
    },
    step_up_off: {
      title: '此页面需要重新登录',
      message: '您要打开的页面需要确认是您本人，但本网站无法向您确认。您仍处于登录状态。',
      advice: TELL
    },
    too_many_codes: {
      title: '尝试次数过多',
      message: '一分钟内从这里尝试登录的次数过多。',
      advice: '请先等待一分钟。'
    },
    session_not_kept: {
      title: '暂时无法使用',
      message: '目前无法完成此操作。您的账户没有问题。'
    },
    not_a_page: {
      title: '请将此网址作为单独的页面打开',
      message: '无法在其他页面之内或提前登录或退出登录。',
      advice: '请在单独的标签页中打开此网址。'
    },
    cross_site: {
      title: '您要退出登录吗？',
      message: '您是从其他网站来到这里的，因此还没有执行任何操作。',
      advice: '如果您想保持登录，直接离开此页面即可。'
    },
    login_unavailable: UNAVAILABLE,
    signed_out: {
      title: '您已退出登录',
      message: '您可以关闭此页面。',
      advice: '如果其他人也使用这台电脑，请同时关闭浏览器。'
    }
  }
}
