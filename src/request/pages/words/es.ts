import type { Words } from './words.ts'

const TELL = 'Avise a los responsables de este sitio.'
const GOES_ON = 'Si esto dura más de unos minutos, avise a los responsables de este sitio.'
const DELETE_COOKIES =
  'Borre primero las cookies de este sitio en su navegador. Si eso no ayuda, avise a los responsables de este sitio.'
const UNAVAILABLE = {
  title: 'No disponible por el momento',
  message: 'Su inicio de sesión no se puede comprobar en este momento. Su cuenta no tiene ningún problema.',
  advice: GOES_ON
}

export const es: Words = {
  reference: 'Referencia:',
  signedInAs: 'Ha iniciado sesión como {account}.',
  missing: 'Lo que falta: {name}.',
  actions: {
    signIn: 'Iniciar sesión',
    tryAgain: 'Reintentar',
    changeUser: 'Iniciar sesión con otra cuenta',
    signOut: 'Cerrar sesión',
    getHelp: 'Obtener ayuda'
  },
  askHow:
    'Si no sabe cómo iniciar sesión, pregunte a los responsables de este sitio o a la persona que le dio la dirección.',
  refusals: {
    not_signed_in: {
      title: 'No ha iniciado sesión',
      message: 'Esta página es solo para personas que han iniciado sesión.'
    },
    session_ended: {
      title: 'Su sesión ha terminado',
      message: 'Las sesiones terminan después de un tiempo, o cuando la cierra en otro dispositivo.'
    },
    unreadable: {
      title: 'No se pudo leer su inicio de sesión',
      message: 'Su navegador envió algo que no puede ser un inicio de sesión.',
      advice: 'Si iniciar sesión de nuevo no ayuda, borre las cookies de este sitio en su navegador.'
    },
    ambiguous: {
      title: 'No se pudo leer su inicio de sesión',
      message: 'Se envió más de un inicio de sesión, así que no se usó ninguno.',
      advice: 'La causa puede ser una extensión del navegador que añade encabezados. Desactívela primero.'
    },
    wrong_audience: {
      title: 'Este inicio de sesión es para otro servicio',
      message: 'Su navegador envió un inicio de sesión que no es para este sitio.',
      advice: 'Borre primero las cookies de este sitio en su navegador.'
    },
    client_blocked: {
      title: 'Esta aplicación está bloqueada aquí',
      message: 'La aplicación que envió este token de acceso no se puede usar aquí.',
      advice: TELL
    },
    step_up: {
      title: 'Confirme que es usted',
      message: 'Por su seguridad, esta página necesita un inicio de sesión reciente o más seguro.'
    },
    forbidden: {
      title: 'Sin acceso con esta cuenta',
      message: 'Esta cuenta no puede abrir esta página.',
      advice:
        'Si cree que debería poder, pregunte a los responsables de este sitio o a la persona que le dio la dirección.'
    },
    unavailable: UNAVAILABLE
  },
  logins: {
    state_unknown: {
      title: 'Este inicio de sesión no puede continuar',
      message: 'Se empezó en otro lugar, o ya no está completo. No se cambió nada.'
    },
    cookies_blocked: {
      title: 'Su navegador no guarda ninguna cookie de este sitio',
      message: 'El inicio de sesión necesita una, para saber que sigue siendo el mismo navegador.',
      advice: 'Permita primero las cookies de este sitio.'
    },
    login_denied: {
      title: 'No inició sesión',
      message: 'El inicio de sesión se canceló, o esta cuenta no puede usar este sitio.'
    },
    login_misconfigured: {
      title: 'El inicio de sesión no está bien configurado',
      message: 'El servicio de inicio de sesión rechazó lo que le pidió este sitio.',
      advice: TELL
    },
    login_failed: {
      title: 'El inicio de sesión no funcionó',
      message: 'El servicio de inicio de sesión informó de un error.',
      advice: GOES_ON
    },
    cookie_missing: {
      title: 'Ha iniciado sesión, pero este sitio no lo sabe',
      message: 'El servicio de inicio de sesión le conoce, pero su navegador no envió ninguna sesión a este sitio.',
      advice: `Usted no hizo nada mal, e iniciar sesión de nuevo no ayudará. ${TELL}`
    },
    cookie_unknown: {
      title: 'Ha iniciado sesión, pero su sesión no se reconoció',
      message: 'Su navegador envió una sesión que el servicio de inicio de sesión no conoce.',
      advice: DELETE_COOKIES
    },
    redirect_loop: {
      title: 'El inicio de sesión da vueltas sin fin',
      message: 'Ha iniciado sesión, pero la página que quiere le envía aquí una y otra vez. Por eso se detuvo.',
      advice: DELETE_COOKIES
    },
    host_unknown: {
      title: 'Nadie puede iniciar sesión en esta dirección',
      message: 'Este sitio no está configurado para iniciar sesión en la dirección que muestra su navegador.',
      advice: 'Ábralo por su dirección habitual, o avise a sus responsables.'
    },
    step_up_refused: {
      title: 'No se confirmó',
      message:
        'La página que quiere necesita que la persona que ha iniciado sesión aquí confirme que es ella. Es posible ' +
          'que otras aplicaciones de este navegador le pidan iniciar sesión de nuevo.',
      advice: 'Inicie sesión con la misma cuenta.'
    },
    step_up_off: {
      title: 'Esta página necesita un inicio de sesión reciente',
      message:
        'La página que quiere necesita que confirme su identidad, y este sitio no puede pedírselo. Su sesión sigue ' +
          'abierta.',
      advice: TELL
    },
    too_many_codes: {
      title: 'Demasiados intentos',
      message: 'Desde aquí se intentó iniciar sesión demasiadas veces en un minuto.',
      advice: 'Espere primero un minuto.'
    },
    session_not_kept: {
      title: 'No disponible por el momento',
      message: 'Esto no se pudo terminar en este momento. Su cuenta no tiene ningún problema.'
    },
    not_a_page: {
      title: 'Abra esto como página propia',
      message: 'No se puede iniciar ni cerrar sesión dentro de otra página, ni por adelantado.',
      advice: 'Abra esta dirección en su propia pestaña.'
    },
    cross_site: {
      title: '¿Quiere cerrar sesión?',
      message: 'Otro sitio le envió aquí, así que todavía no se hizo nada.',
      advice: 'Si quiere mantener la sesión, simplemente salga de esta página.'
    },
    login_unavailable: UNAVAILABLE,
    signed_out: {
      title: 'Ha cerrado sesión',
      message: 'Puede cerrar esta página.',
      advice: 'En un ordenador que también usan otras personas, cierre también el navegador.'
    }
  }
}
