import type { Words } from './words.ts'

const TELL = '請告知本網站的管理員。'
const GOES_ON = '如果幾分鐘後仍然如此，請告知本網站的管理員。'
const DELETE_COOKIES = '請先在瀏覽器中刪除本網站的 Cookie。如果仍未解決，請告知本網站的管理員。'
const UNAVAILABLE = {
  title: '暫時無法使用',
  message: '目前無法檢查您的登入狀態。您的帳戶沒有問題。',
  advice: GOES_ON
}

export const zhHant: Words = {
  reference: '參考編號：',
  signedInAs: '您目前登入的帳戶是 {account}。',
  missing: '缺少的權限：{name}',
  actions: {
    signIn: '登入',
    tryAgain: '重試',
    changeUser: '使用其他帳戶登入',
    signOut: '登出',
    getHelp: '取得協助'
  },
  askHow: '如果您不知道如何登入，請詢問本網站的管理員，或提供網址給您的人。',
  refusals: {
    not_signed_in: { title: '您尚未登入', message: '只有登入的人才能開啟此頁面。' },
    session_ended: { title: '您的工作階段已結束', message: '工作階段會在一段時間後結束，或在您於其他裝置上登出時結束。' },
    unreadable: {
      title: '無法讀取您的登入資訊',
      message: '您的瀏覽器傳送的內容不是有效的登入資訊。',
      advice: '如果重新登入沒有幫助，請在瀏覽器中刪除本網站的 Cookie。'
    },
    ambiguous: {
      title: '無法讀取您的登入資訊',
      message: '收到了多份登入資訊，因此一份也沒有使用。',
      advice: '原因可能是某個會加入標頭的瀏覽器擴充功能。請先將其關閉。'
    },
    wrong_audience: {
      title: '此登入資訊屬於其他服務',
      message: '您的瀏覽器傳送的登入資訊不適用於本網站。',
      advice: '請先在瀏覽器中刪除本網站的 Cookie。'
    },
    client_blocked: {
      title: '此應用程式在這裡已被封鎖',
      message: '傳送此存取權杖的應用程式不能在這裡使用。',
      advice: TELL
    },
    step_up: { title: '請確認是您本人', message: '為了您的安全，此頁面需要近期的登入或更強的登入方式。' },
    forbidden: {
      title: '此帳戶沒有存取權限',
      message: '此帳戶不能開啟此頁面。',
      advice: '如果您認為應該可以，請詢問本網站的管理員，或提供網址給您的人。'
    },
    unavailable: UNAVAILABLE
  },
  logins: {
    state_unknown: { title: '此次登入無法繼續', message: '它是在別處開始的，或者資訊已不完整。沒有任何變更。' },
    cookies_blocked: {
      title: '您的瀏覽器沒有保存本網站的 Cookie',
      message: '登入需要 Cookie，以便確認仍是同一個瀏覽器。',
      advice: '請先允許本網站使用 Cookie。'
    },
    login_denied: { title: '您沒有登入', message: '登入已取消，或者此帳戶不能使用本網站。' },
    login_misconfigured: {
      title: '登入功能沒有正確設定',
      message: '登入服務拒絕了本網站的要求。',
      advice: TELL
    },
    login_failed: { title: '登入沒有成功', message: '登入服務回報了一個錯誤。', advice: GOES_ON },
    cookie_missing: {
      title: '已登入，但本網站沒有收到',
      message: '登入服務認識您，但您的瀏覽器沒有向本網站傳送工作階段。',
      advice: `您沒有做錯什麼，重新登入也不會有幫助。${TELL}`
    },
    cookie_unknown: {
      title: '已登入，但無法辨識您的工作階段',
      message: '您的瀏覽器傳送了一個登入服務不認識的工作階段。',
      advice: DELETE_COOKIES
    },
    redirect_loop: {
      title: '登入陷入了循環',
      message: '您已登入，但您要開啟的頁面一直把您送回這裡，因此已停止。',
      advice: DELETE_COOKIES
    },
    host_unknown: {
      title: '無法在此網址登入',
      message: '本網站沒有為瀏覽器顯示的這個網址設定登入。',
      advice: '請透過平常的網址開啟，或告知本網站的管理員。'
    },
    step_up_refused: {
      title: '未能確認',
      message: '您要開啟的頁面需要目前登入的人確認是本人。此瀏覽器中的其他應用程式可能會要求您重新登入。',
      advice: '請使用同一個帳戶登入。'
    },
    step_up_off: {
      title: '此頁面需要重新登入',
      message: '您要開啟的頁面需要確認是您本人，但本網站無法向您確認。您仍處於登入狀態。',
      advice: TELL
    },
    too_many_codes: {
      title: '嘗試次數過多',
      message: '一分鐘內從這裡嘗試登入的次數過多。',
      advice: '請先等待一分鐘。'
    },
    session_not_kept: {
      title: '暫時無法使用',
      message: '目前無法完成此操作。您的帳戶沒有問題。'
    },
    not_a_page: {
      title: '請將此網址作為單獨的頁面開啟',
      message: '無法在其他頁面之內或提前登入或登出。',
      advice: '請在單獨的分頁中開啟此網址。'
    },
    cross_site: {
      title: '您要登出嗎？',
      message: '您是從其他網站來到這裡的，因此還沒有執行任何操作。',
      advice: '如果您想保持登入，直接離開此頁面即可。'
    },
    login_unavailable: UNAVAILABLE,
    signed_out: {
      title: '您已登出',
      message: '您可以關閉此頁面。',
      advice: '如果其他人也使用這台電腦，請同時關閉瀏覽器。'
    }
  }
}
