import type { Words } from './words.ts'

const TELL = 'Bitte sagen Sie den Betreibern dieser Website Bescheid.'
const GOES_ON = 'Wenn das länger als ein paar Minuten dauert, sagen Sie den Betreibern dieser Website Bescheid.'
const DELETE_COOKIES =
  'Löschen Sie zuerst die Cookies dieser Website in Ihrem Browser. Wenn das nicht hilft, sagen Sie den Betreibern ' +
    'dieser Website Bescheid.'
const UNAVAILABLE = {
  title: 'Vorübergehend nicht verfügbar',
  message: 'Ihre Anmeldung kann gerade nicht geprüft werden. Mit Ihrem Konto ist alles in Ordnung.',
  advice: GOES_ON
}

export const de: Words = {
  reference: 'Referenz:',
  signedInAs: 'Sie sind angemeldet als {account}.',
  missing: 'Was fehlt: {name}.',
  actions: {
    signIn: 'Anmelden',
    tryAgain: 'Erneut versuchen',
    changeUser: 'Mit einem anderen Konto anmelden',
    signOut: 'Abmelden',
    getHelp: 'Hilfe holen'
  },
  askHow:
    'Wenn Sie nicht wissen, wie Sie sich anmelden, fragen Sie die Betreiber dieser Website oder die Person, von ' +
      'der Sie die Adresse haben.',
  refusals: {
    not_signed_in: { title: 'Sie sind nicht angemeldet', message: 'Diese Seite ist nur für angemeldete Personen.' },
    session_ended: {
      title: 'Ihre Sitzung ist beendet',
      message: 'Sitzungen enden nach einiger Zeit oder wenn Sie sich auf einem anderen Gerät abmelden.'
    },
    unreadable: {
      title: 'Ihre Anmeldung war nicht lesbar',
      message: 'Ihr Browser hat etwas gesendet, das keine Anmeldung sein kann.',
      advice: 'Wenn eine neue Anmeldung nicht hilft, löschen Sie die Cookies dieser Website in Ihrem Browser.'
    },
    ambiguous: {
      title: 'Ihre Anmeldung war nicht lesbar',
      message: 'Es wurde mehr als eine Anmeldung gesendet, deshalb zählt keine davon.',
      advice: 'Der Grund kann eine Browser-Erweiterung sein, die Kopfzeilen hinzufügt. Schalten Sie sie aus.'
    },
    wrong_audience: {
      title: 'Diese Anmeldung gilt für einen anderen Dienst',
      message: 'Ihr Browser hat eine Anmeldung gesendet, die nicht für diese Website bestimmt ist.',
      advice: 'Löschen Sie zuerst die Cookies dieser Website in Ihrem Browser.'
    },
    client_blocked: {
      title: 'Diese App ist hier gesperrt',
      message: 'Die App, die dieses Zugriffstoken gesendet hat, darf hier nicht verwendet werden.',
      advice: TELL
    },
    step_up: {
      title: 'Bitte bestätigen Sie, dass Sie es sind',
      message: 'Zu Ihrer Sicherheit braucht diese Seite eine frische oder eine stärkere Anmeldung.'
    },
    forbidden: {
      title: 'Kein Zugriff mit diesem Konto',
      message: 'Dieses Konto darf diese Seite nicht öffnen.',
      advice:
        'Wenn Sie denken, dass es das dürfen sollte, fragen Sie die Betreiber dieser Website oder die Person, von ' +
          'der Sie die Adresse haben.'
    },
    unavailable: UNAVAILABLE
  },
  logins: {
    state_unknown: {
      title: 'Diese Anmeldung kann nicht fortgesetzt werden',
      message: 'Sie wurde anderswo begonnen oder ist nicht mehr vollständig. Es wurde nichts geändert.'
    },
    cookies_blocked: {
      title: 'Ihr Browser behält kein Cookie dieser Website',
      message: 'Die Anmeldung braucht eines, um zu wissen, dass es noch derselbe Browser ist.',
      advice: 'Erlauben Sie zuerst Cookies für diese Website.'
    },
    login_denied: {
      title: 'Sie haben sich nicht angemeldet',
      message: 'Die Anmeldung wurde abgebrochen, oder dieses Konto darf diese Website nicht verwenden.'
    },
    login_misconfigured: {
      title: 'Die Anmeldung ist nicht richtig eingerichtet',
      message: 'Der Anmeldedienst hat die Anfrage dieser Website abgelehnt.',
      advice: TELL
    },
    login_failed: {
      title: 'Die Anmeldung hat nicht funktioniert',
      message: 'Der Anmeldedienst hat einen Fehler gemeldet.',
      advice: GOES_ON
    },
    cookie_missing: {
      title: 'Angemeldet, aber diese Website weiß nichts davon',
      message: 'Der Anmeldedienst kennt Sie, aber Ihr Browser hat dieser Website keine Sitzung gesendet.',
      advice: `Sie haben nichts falsch gemacht, und eine neue Anmeldung hilft nicht. ${TELL}`
    },
    cookie_unknown: {
      title: 'Angemeldet, aber Ihre Sitzung wurde nicht erkannt',
      message: 'Ihr Browser hat eine Sitzung gesendet, die der Anmeldedienst nicht kennt.',
      advice: DELETE_COOKIES
    },
    redirect_loop: {
      title: 'Die Anmeldung dreht sich im Kreis',
      message:
        'Sie sind angemeldet, aber die gewünschte Seite schickt Sie immer wieder hierher. Das wurde hier beendet.',
      advice: DELETE_COOKIES
    },
    host_unknown: {
      title: 'Unter dieser Adresse kann sich niemand anmelden',
      message: 'Für die Adresse, die Ihr Browser zeigt, ist auf dieser Website keine Anmeldung eingerichtet.',
      advice: 'Öffnen Sie die Website über ihre übliche Adresse, oder sagen Sie den Betreibern Bescheid.'
    },
    step_up_refused: {
      title: 'Das wurde nicht bestätigt',
      message:
        'Für die gewünschte Seite muss die Person, die hier angemeldet ist, bestätigen, dass sie es ist. Andere ' +
          'Apps in diesem Browser verlangen vielleicht eine neue Anmeldung.',
      advice: 'Bitte melden Sie sich mit demselben Konto an.'
    },
    step_up_off: {
      title: 'Diese Seite braucht eine neue Anmeldung',
      message:
        'Für die gewünschte Seite müssen Sie bestätigen, dass Sie es sind, und diese Website kann Sie nicht danach ' +
          'fragen. Sie sind weiterhin angemeldet.',
      advice: TELL
    },
    too_many_codes: {
      title: 'Zu viele Versuche',
      message: 'Von hier wurde die Anmeldung innerhalb einer Minute zu oft versucht.',
      advice: 'Bitte warten Sie zuerst eine Minute.'
    },
    session_not_kept: {
      title: 'Vorübergehend nicht verfügbar',
      message: 'Das konnte gerade nicht abgeschlossen werden. Mit Ihrem Konto ist alles in Ordnung.'
    },
    not_a_page: {
      title: 'Öffnen Sie dies als eigene Seite',
      message: 'An- und Abmelden geht nicht innerhalb einer anderen Seite und nicht im Voraus.',
      advice: 'Öffnen Sie diese Adresse in einem eigenen Tab.'
    },
    cross_site: {
      title: 'Möchten Sie sich abmelden?',
      message: 'Eine andere Website hat Sie hierher geschickt, deshalb ist noch nichts geschehen.',
      advice: 'Wenn Sie angemeldet bleiben möchten, verlassen Sie einfach diese Seite.'
    },
    login_unavailable: UNAVAILABLE,
    signed_out: {
      title: 'Sie sind abgemeldet',
      message: 'Sie können diese Seite schließen.',
      advice: 'An einem Computer, den auch andere benutzen, schließen Sie auch den Browser.'
    }
  }
}
