import type { Words } from './words.ts'

const TELL = 'Veuillez prévenir les responsables de ce site.'
const GOES_ON = 'Si cela dure plus de quelques minutes, prévenez les responsables de ce site.'
const DELETE_COOKIES =
  'Supprimez d’abord les cookies de ce site dans votre navigateur. Si cela ne suffit pas, prévenez les responsables ' +
    'de ce site.'
const UNAVAILABLE = {
  title: 'Temporairement indisponible',
  message: 'Votre connexion ne peut pas être vérifiée pour le moment. Votre compte n’est pas en cause.',
  advice: GOES_ON
}

export const fr: Words = {
  reference: 'Référence :',
  signedInAs: 'Vous êtes connecté en tant que {account}.',
  missing: 'Ce qui manque : {name}.',
  actions: {
    signIn: 'Se connecter',
    tryAgain: 'Réessayer',
    changeUser: 'Se connecter avec un autre compte',
    signOut: 'Se déconnecter',
    getHelp: 'Obtenir de l’aide'
  },
  askHow:
    'Si vous ne savez pas comment vous connecter, demandez aux responsables de ce site ou à la personne qui vous a ' +
      'donné l’adresse.',
  refusals: {
    not_signed_in: {
      title: 'Vous n’êtes pas connecté',
      message: 'Cette page est réservée aux personnes connectées.'
    },
    session_ended: {
      title: 'Votre session est terminée',
      message: 'Une session se termine après un certain temps, ou quand vous vous déconnectez sur un autre appareil.'
    },
    unreadable: {
      title: 'Votre connexion n’a pas pu être lue',
      message: 'Votre navigateur a envoyé quelque chose qui ne peut pas être une connexion.',
      advice: 'Si une nouvelle connexion ne suffit pas, supprimez les cookies de ce site dans votre navigateur.'
    },
    ambiguous: {
      title: 'Votre connexion n’a pas pu être lue',
      message: 'Plusieurs connexions ont été envoyées, donc aucune n’a été utilisée.',
      advice: 'Une extension du navigateur qui ajoute des en-têtes peut en être la cause. Désactivez-la d’abord.'
    },
    wrong_audience: {
      title: 'Cette connexion est destinée à un autre service',
      message: 'Votre navigateur a envoyé une connexion qui n’est pas destinée à ce site.',
      advice: 'Supprimez d’abord les cookies de ce site dans votre navigateur.'
    },
    client_blocked: {
      title: 'Cette application est bloquée ici',
      message: 'L’application qui a envoyé ce jeton d’accès ne peut pas être utilisée ici.',
      advice: TELL
    },
    step_up: {
      title: 'Veuillez confirmer que c’est bien vous',
      message: 'Pour votre sécurité, cette page demande une connexion récente ou plus forte.'
    },
    forbidden: {
      title: 'Pas d’accès avec ce compte',
      message: 'Ce compte ne peut pas ouvrir cette page.',
      advice:
        'Si vous pensez qu’il le devrait, demandez aux responsables de ce site ou à la personne qui vous a donné ' +
          'l’adresse.'
    },
    unavailable: UNAVAILABLE
  },
  logins: {
    state_unknown: {
      title: 'Cette connexion ne peut pas continuer',
      message: 'Elle a été commencée ailleurs, ou elle n’est plus complète. Rien n’a été modifié.'
    },
    cookies_blocked: {
      title: 'Votre navigateur ne garde aucun cookie de ce site',
      message: 'La connexion en a besoin d’un, pour savoir que c’est toujours le même navigateur.',
      advice: 'Autorisez d’abord les cookies pour ce site.'
    },
    login_denied: {
      title: 'Vous ne vous êtes pas connecté',
      message: 'La connexion a été annulée, ou ce compte ne peut pas utiliser ce site.'
    },
    login_misconfigured: {
      title: 'La connexion n’est pas configurée correctement',
      message: 'Le service de connexion a refusé la demande de ce site.',
      advice: TELL
    },
    login_failed: {
      title: 'La connexion n’a pas fonctionné',
      message: 'Le service de connexion a signalé une erreur.',
      advice: GOES_ON
    },
    cookie_missing: {
      title: 'Connecté, mais ce site n’en sait rien',
      message: 'Le service de connexion vous connaît, mais votre navigateur n’a envoyé aucune session à ce site.',
      advice: `Vous n’avez rien fait de mal, et une nouvelle connexion n’y changera rien. ${TELL}`
    },
    cookie_unknown: {
      title: 'Connecté, mais votre session n’a pas été reconnue',
      message: 'Votre navigateur a envoyé une session que le service de connexion ne connaît pas.',
      advice: DELETE_COOKIES
    },
    redirect_loop: {
      title: 'La connexion tourne en rond',
      message: 'Vous êtes connecté, mais la page demandée vous renvoie toujours ici. Cela a donc été arrêté.',
      advice: DELETE_COOKIES
    },
    host_unknown: {
      title: 'Personne ne peut se connecter à cette adresse',
      message: 'Ce site n’est pas configuré pour une connexion à l’adresse que montre votre navigateur.',
      advice: 'Ouvrez-le à son adresse habituelle, ou prévenez ses responsables.'
    },
    step_up_refused: {
      title: 'Cela n’a pas été confirmé',
      message:
        'Pour la page demandée, la personne connectée ici doit confirmer que c’est bien elle. D’autres ' +
          'applications de ce navigateur vous demanderont peut-être de vous reconnecter.',
      advice: 'Veuillez vous connecter avec le même compte.'
    },
    step_up_off: {
      title: 'Cette page demande une connexion récente',
      message:
        'Pour la page demandée, vous devez confirmer que c’est bien vous, et ce site ne peut pas vous le demander. ' +
          'Vous êtes toujours connecté.',
      advice: TELL
    },
    too_many_codes: {
      title: 'Trop de tentatives',
      message: 'Trop de connexions ont été tentées d’ici en une minute.',
      advice: 'Veuillez d’abord attendre une minute.'
    },
    session_not_kept: {
      title: 'Temporairement indisponible',
      message: 'Cela n’a pas pu être terminé pour le moment. Votre compte n’est pas en cause.'
    },
    not_a_page: {
      title: 'Ouvrez ceci comme une page à part',
      message: 'Il n’est pas possible de se connecter ou de se déconnecter dans une autre page, ni à l’avance.',
      advice: 'Ouvrez cette adresse dans son propre onglet.'
    },
    cross_site: {
      title: 'Voulez-vous vous déconnecter ?',
      message: 'Un autre site vous a envoyé ici, donc rien n’a encore été fait.',
      advice: 'Si vous voulez rester connecté, quittez simplement cette page.'
    },
    login_unavailable: UNAVAILABLE,
    signed_out: {
      title: 'Vous êtes déconnecté',
      message: 'Vous pouvez fermer cette page.',
      advice: 'Sur un ordinateur que d’autres utilisent aussi, fermez également le navigateur.'
    }
  }
}
