import type { HeaderLine } from '../../helpers/request.ts'

/** An app of deploy/apps, and what its clients ask. */
export type HomeApp = Readonly<{
  name: string
  /** Under which name it believes who the user is. */
  user?: 'Remote-User' | 'X-WEBAUTH-USER'
  /** Only admins may enter. */
  admins?: true
  /** Where its pages open a WebSocket. */
  socket: string
  /** What programs without a browser ask once its `_OPEN` is set: method and path. */
  open?: readonly (readonly [method: string, path: string])[]
  /** What stays closed then, beside every way round from an open path. */
  closed?: readonly string[]
}>

export const BASIC: HeaderLine = ['Authorization', `Basic ${Buffer.from('alice:app password').toString('base64')}`]

/** Paths from the apps' sources and manuals: docs/apps. */
export const HOME_APPS: readonly HomeApp[] = [
  { name: 'code-server', admins: true, socket: '/stable-0123abc?reconnectionToken=x&skipWebSocketFrames=false' },
  {
    name: 'gitea',
    user: 'X-WEBAUTH-USER',
    socket: '/user/events',
    open: [
      ['GET', '/alice/notes.git/info/refs?service=git-upload-pack'],
      ['POST', '/alice/notes.git/git-upload-pack'],
      ['POST', '/alice/notes/git-receive-pack']
    ],
    closed: [
      '/alice/notes', '/api/v1/user', '/info/refs', '/a/b/c/info/refs', '/alice/notes/info/refs/x', '/user/login'
    ]
  },
  { name: 'grafana', user: 'X-WEBAUTH-USER', socket: '/api/live/ws' },
  {
    name: 'home-assistant',
    socket: '/api/websocket',
    open: [['POST', '/api/webhook/0123abcd']],
    closed: ['/auth/authorize', '/auth/token', '/api/websocket', '/api/webhook', '/api/webhook/a/b', '/api/states']
  },
  {
    name: 'immich',
    socket: '/api/socket.io/?EIO=4&transport=websocket',
    open: [
      ['GET', '/.well-known/immich'], ['GET', '/api/server/ping'], ['POST', '/api/auth/login'], ['POST', '/api/assets'],
      ['GET', '/api/socket.io/?EIO=4&transport=polling']
    ],
    closed: [
      '/photos', '/share/x', '/api', '/apis', '/api/auth/admin-sign-up', '/api/auth/Admin-Sign-Up',
      '/api/auth/%61dmin-sign-up', '/api/auth/admin%2dsign-up', '/api/auth/admin-sign-up/',
      '/api/auth/x/../admin-sign-up', '/api/admin/database-backups/start-restore', '/api/Admin/users', '/api/%61dmin/x'
    ]
  },
  { name: 'jellyfin', socket: '/socket?deviceId=x' },
  {
    name: 'n8n',
    socket: '/rest/push?pushRef=x',
    open: [['POST', '/webhook/0b1c-orders'], ['GET', '/webhook/shop/orders']],
    closed: ['/webhook-test/orders', '/webhook', '/rest/login', '/rest/workflows', '/signin']
  },
  {
    name: 'nextcloud',
    socket: '/push/ws',
    open: [
      ['GET', '/status.php'], ['POST', '/index.php/login/v2'], ['POST', '/login/v2/poll'],
      ['PROPFIND', '/remote.php/dav/files/alice/'], ['PUT', '/remote.php/dav/files/alice/a.jpg'],
      ['GET', '/remote.php/webdav/'], ['GET', '/ocs/v2.php/cloud/user?format=json']
    ],
    closed: [
      '/index.php/login', '/login/v2/flow/x', '/index.php/login/v2/flow/x', '/index.php/settings/admin',
      '/status.php/x', '/remote.php/davx', '/remote.php', '/ocs/', '/ocs/v3.php/x', '/apps/files/', '/STATUS.PHP',
      '/index.php?/status.php'
    ]
  },
  {
    name: 'paperless',
    user: 'Remote-User',
    socket: '/ws/status/',
    open: [['POST', '/api/token/'], ['GET', '/api/documents/?page=1'], ['GET', '/api/documents/1/download/']],
    closed: ['/dashboard', '/accounts/login/', '/admin/', '/api', '/apis']
  },
  {
    name: 'vaultwarden',
    socket: '/notifications/hub?access_token=x',
    open: [
      ['POST', '/identity/connect/token'], ['GET', '/api/sync'], ['GET', '/notifications/hub?access_token=x'],
      ['GET', '/attachments/0a/1b?token=x']
    ],
    closed: ['/admin', '/admin/users', '/api', '/icons/example.com/icon.png', '/apix/']
  }
]

/** Spellings by which a server might read an open path as the closed one. */
export const waysRound = (path: string): readonly string[] => {
  const [folder = ''] = path.split('?')
  const up = folder.split('/').length
  const climb = (step: string): string => `${folder}/${step.repeat(up)}closed`
  return [
    ...['../', '..;/', '%2e%2e/', '.%2E/', '..%2f', '..%5c', '..\\', '%2e%2e%2f', ';/../../'].map(climb),
    `/closed/..;${folder}`, `/closed;${folder}`, `/closed%2f..${folder}`, `/closed?${folder}`, `/closed%23${folder}`,
    `/closed%3f${folder}`
  ]
}
