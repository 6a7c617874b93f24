/** French of chest radiographs, with and without accents, with the abbreviations of dictation. */
import type { LanguageInput } from '../vocabulary-shape.js';
import { FR_FILLER, FR_FOREIGN, FR_LANDMARKS } from './fr-other.js';

export const FR: LanguageInput = {
  places: 'after',
  sides: {
    left: 'gauche, gauches, gche, g, côté gauche, à gauche, sur la gauche, gch, gche.',
    right: 'droit, droite, droits, droites, dt, dte, d, dte., côté droit, à droite, sur la droite, drt, drte',
    both: '(côté/côtés/latéralité) : les deux, bilatéral(/e/es), bilatéraux, bilatéralement, les deux, deux côtés, des deux côtés, de chaque côté, des deux, aux deux, bilat, bilat., tous les deux, toutes les deux, l’un et l’autre, de part et d’autre, ces deux, chaque côté, chaque poumon, aucun des deux, aucune des deux, dans les deux, chacun des deux, sur les deux, aux deux côtés',
    one: 'unilatéral(/e/es), unilatéraux, un seul (côté/poumon/hémithorax/lobe/lobe inférieur/lobe supérieur/sommet), d’un seul (côté/poumon), une seule base, une des (bases/deux bases), un des (poumons/deux poumons/lobes inférieurs/lobes supérieurs/sommets/deux sommets/deux lobes inférieurs), l’un des (poumons/deux poumons/sommets/deux sommets/lobes inférieurs), l’une des (bases/deux bases), d’un côté, un poumon, un côté',
    opposite:
      'controlatéral(/e/es), controlatéraux, côté opposé, autre côté, autre poumon, contro latéral, poumon opposé, côté controlatéral',
    same: 'homolatéral(/e/es), ipsilatéral(/e), même côté, même poumon, du même côté, ce poumon, ce côté, ce même poumon',
  },
  zones: {
    upper:
      'en haut, supérieur(/e/es/s), apical(/e/es), apicaux, haut, haute, hauts, hautes, sus hilaire, sus hilaires, suprahilaire, suprahilaires, sous claviculaire, sous claviculaires, infraclaviculaire, infraclaviculaires, sus hiliaire, apico dorsal(/e), apicodorsal(/e), sup, sup., sushilaire, sushilaires, culminal, culminale, ls',
    middle:
      'moyen(/ne/nes/s), périhilaire, périhilaires, parahilaire, parahilaires, hilaire, hilaires, péri hilaire, péri hilaires, para hilaire, para hilaires, juxtahilaire, juxta hilaire, médian, moy, juxta hilaires, intermédiaire',
    lower:
      'en bas, inférieur(/e/es/s), basal(/e/es), basaux, bas, basse, basses, basithoracique, basithoraciques, sous hilaire, sous hilaires, infrahilaire, infrahilaires, paracardiaque, paracardiaques, para cardiaque, para cardiaques, sus diaphragmatique, sus diaphragmatiques, supradiaphragmatique, supradiaphragmatiques, latérobasal(/e), postérobasal(/e/es), inf, inf., juxtadiaphragmatique, péricardiaque, péricardiaques, latéro basal(/e), postéro basal(/e), basilaire, basilaires, antéro basal(/e), costo phrénique, juxta diaphragmatique, li',
  },
  named: {
    upper:
      'apex, sommet, tiers supérieur, champ supérieur, région apicale, culmen, région sus hilaire, région sous claviculaire',
    middle:
      'tiers moyen, champ moyen, région hilaire, région périhilaire, zone moyenne, plage moyenne, région parahilaire',
    lower:
      'base, base pulmonaire, tiers inférieur, champ inférieur, région basale, plage basale, région sous hilaire, région basithoracique',
    'upper left + upper right':
      'deux (lobes/champs) supérieurs, deux sommets, deux apex, apex bilatéraux, sommets, biapical(/e/es), biapicaux, deux apex, deux sommets, bi apical, bi apicale, les apex, des apex, aux apex, lobes supérieurs, champs supérieurs, tiers supérieurs',
    'middle left + middle right':
      'deux champs moyens, deux hiles, bihilaire, bihilaires, bi hilaire, champs moyens, régions hilaires, régions périhilaires, tiers moyens, plages moyennes',
    'lower left + lower right':
      'deux (lobes/champs) inférieurs, deux bases, deux bases pulmonaires, bases, bibasal(/e/es), bibasaux, bi basal, bi basale, bi basales, deux bases, bases pulmonaires, bibasilaire, bibasilaires, lobes inférieurs, champs inférieurs, tiers inférieurs, régions basales',
    'upper + middle':
      'deux tiers supérieurs, 2/3 supérieurs, les deux tiers supérieurs, tiers supérieur et moyen',
    'middle + lower':
      'deux tiers inférieurs, 2/3 inférieurs, les deux tiers inférieurs, tiers moyen et inférieur',
    'upper right': 'lsd, l.s.d',
    'middle right': 'lmd, lobe moyen, lm, lobaire moyen, lobaire moyenne, lobaires moyens',
    'lower right': 'lid, l.i.d',
    'upper left': 'lsg, l.s.g, culmen gauche',
    'middle left': 'lingula, lingulaire, lingulaires',
    'lower left':
      'lig, l.i.g, rétrocardiaque, rétrocardiaques, rétro cardiaque, rétro cardiaques, derrière le coeur, derrière le cœur, en arrière du coeur, derrière la silhouette cardiaque, en arrière de la silhouette cardiaque, derrière l’ombre cardiaque, en arrière du cœur',
  },
  whole:
    'tout, toute, tout le, toute la, tous les, entier, entière, ensemble, l’ensemble de, l’ensemble du, ensemble du, ensemble de, totalité, la totalité de, la totalité du, totalité du, totalité de, intégralité, intégralité de, intégralité du, en totalité, en entier, complet, tous les champs, tous les lobes, toute l’étendue, intégralement, toutes les zones, toute la hauteur, sur toute la hauteur, toutes les plages',
  organs: {
    one: '(les/des/aux/de tous les) trois lobes, trois lobes, base, apex, sommet, culmen, poumon, lobe, champ, zone, région, tiers, plage pulmonaire, champ pulmonaire, hémithorax, segment, segments, parenchyme pulmonaire, côté, aire, hémi thorax, hémichamp, territoire, lobe pulmonaire, partie, étage, lobes, moitié',
    many: 'lobes, champs, zones, régions, hémithorax bilatéraux, territoires, plages pulmonaires, étages',
    all: 'poumons, champs pulmonaires, parenchymes, plages pulmonaires, deux champs pulmonaires, parenchymes pulmonaires',
  },
  findings: {
    opacity:
      'opacité, opacités, opacification, opacifications, opacifié, opacifiée, opacifiés, opacifiées, opaque, opaques, ombre, ombres, voile, voilé, voilée, hyperdensité, hyperdensités, surdensité, surdensités, densité anormale, image, images, poumon blanc, voilement, comblement alvéolaire, opacifie, opacifiant, hypotransparence, hypotransparences, grisaille, comblement, comblements, opacités alvéolaires, densification, densifications',
    consolidation:
      'condensation, condensations, consolidation, consolidations, condensé, condensée, consolidé, hépatisation, condensant, condensante, foyer de condensation, foyers de condensation, consolidée, consolidatif',
    infiltrate:
      'infiltrat, infiltrats, infiltration, infiltrations, infiltré, infiltrés, infiltrant, infiltrante, syndrome interstitiel, syndrome alvéolaire, syndrome alvéolo interstitiel, syndrome de condensation, atteinte interstitielle, réticulations, réticulation, images interstitielles, infiltrée, infiltrées, syndrome bronchique, accentuation de la trame, trame accentuée, épaississement interstitiel',
    'ground glass':
      'verre dépoli, en verre dépoli, plage de verre dépoli, plages de verre dépoli, ggo, aspect de verre dépoli, plages en verre dépoli, plage en verre dépoli, verre depoli, vd',
    focus:
      'cadre, cadres, boîte, boîtes, foyer, foyers, foyer infectieux, foyers infectieux, foyer pulmonaire, foyer pneumonique',
    patch: 'plage, plages, plage de condensation, plages de condensation, tache, taches',
    lesion:
      'lésion, lésions, masse, masses, cavité, cavités, caverne, cavernes, tumeur, abcès, excavation, excavations, lésion excavée, formation',
    nodule:
      'nodule, nodules, micronodules, micronodule, micronodulaire, micronodulaires, macronodule, lâcher de ballons',
    atelectasis:
      'atélectasie, atélectasies, atélectasique, atélectasiques, atélectasie en bande, atélectasies en bandes, trouble de ventilation, troubles de ventilation, trouble ventilatoire, troubles ventilatoires',
    collapse: 'collapsus, affaissement, collabé, collabée',
    contusion: 'contusion, contusions, contusion pulmonaire, contusions pulmonaires',
    metastasis: 'métastase, métastases, métastases pulmonaires',
    tumour: 'cancer, carcinome, néoplasie, cancer bronchique, carcinome bronchique, cancer du poumon',
    infection:
      'pneumonie, pneumonies, pneumopathie, pneumopathies, infection, infections, infectieux, infectieuse, infectieuses, bronchopneumonie, bronchopneumopathie, broncho pneumonie, pfla, pneumonique, pneumoniques, tuberculose, tuberculeux, tuberculeuse, tuberculeuses, inflammation, inflammatoire, inflammatoires, covid, covid 19, inhalation, surinfection, pneumopathie d’inhalation, pac, pneumopathie infectieuse, bk, alvéolite',
    change:
      'changements, altération, altérations, atteinte, atteintes, anomalie parenchymateuse, anomalies parenchymateuses, anomalie, anomalies, processus, pathologie, remaniement, remaniements, séquelles infectieuses, atteint, atteinte parenchymateuse, modifications parenchymateuses, maladie, intéressement, (lésions/remaniements/altérations) (cicatricielles/cicatriciels/fibreux/fibreuses), lésions fibronodulaires, (lésion/lésions/anomalie/anomalies) (pleuro parenchymateuse/pleuro parenchymateuses/pleuroparenchymateuse/pleuroparenchymateuses/parenchymateuse/parenchymateuses), quelque chose, qqch, qqchose',
  },
  counts: {
    '1': 'unique, seul, seule, un seul, une seule, isolé, isolée, solitaire, unifocal, unifocale, un unique, une unique, monofocal',
    '2': 'deux, paire, une paire de, double, couple, un couple de',
    '3': 'trois',
    '4': 'quatre',
    '5': 'cinq',
    '6': 'six',
    '7': 'sept',
    '8': 'huit',
    '9': 'neuf',
    '10': 'dix',
  },
  articles: 'un, une',
  another:
    'un autre, une autre, un nouveau, une nouvelle, celui (de/du/de la/des/à/au), celle (de/du/de la/des/à/au), ceux (de/du/de la/des), celles (de/du/de la/des), celui, celle, ceux, celles, l’autre',
  units:
    'mm, cm, millimètres, centimètres, jour, jours, j’, semaine, semaines, mois, an, ans, heure, heures, h, x, sur, incidences, espace intercostal, tiers, %, grade, stade, côte, côtes, eme, ème, ml, clichés, fois, drains, cathéters, vertèbre, cotes, électrodes, e, arcs, cavités cardiaques, à',
  times: 'x, ×',
  extent: {
    focal:
      'focal(/e/es), focaux, localisé, localisée, circonscrit, circonscrite, unique, solitaire, isolé, isolée, petite plage, petit foyer, un seul, une seule, nodulaire, nodulaires, bien limitée nodulaire, focalisé, focalisée, unifocal, unifocale, ponctuel, petite opacité arrondie, petite zone, arrondie unique, seul, seule, monofocal, nummulaire, petite opacité nodulaire',
    multifocal:
      'multifocal(/e/es), multifocaux, multiple, multiples, plusieurs, nombreux, nombreuses, quelques, épars, éparse, éparses, disséminés, disséminées, divers, diverses, dispersés, dispersées, innombrables, différents foyers, plurifocal(/e), plurifocaux, plurifocales, parsemé, parsemée, maints, multilobaire, multilobaires, multicentrique, semis, çà et là, en plusieurs foyers, pluri focal, dizaine de, une dizaine de, une dizaine d’, dizaines de',
    diffuse:
      'diffus(/e/es), étendu(/e/s/es), extensif, extensive, extensives, généralisé(/e/s/es), complet, complète, total(/e), totale, massive, massif, poumon blanc, globale, diffusément, en totalité, ensemble du, ensemble de, totalité, disséminée, disséminé, entier, entière, complètement, totalement, entièrement, toute la, tout le, très étendue, quasi complète, quasi totale, subtotale, intégralité, panlobaire, largement étendues, intégralement, global, globalement, massivement, toute la hauteur, sur toute la hauteur',
  },
  negation: {
    before:
      'rien, rien à, aucun, aucune, néant, régression complète de, régression complète du, régression complète des, résorption complète de, résorption complète du, régression totale de, régression totale du, disparition de, disparition du, disparition de la, disparition des, disparition complète de, disparition complète du, disparition d’, résolution complète de, résolution complète du, nettoyage de, nettoyage du, nettoyage complet de, nettoyage complet du, pas, pas de, pas d’, sans, absence, absence de, absence d’, aucun, aucune, ni, pas de signe de, pas d’argument pour, pas d’argument en faveur de, pas d’argument en faveur d’, sans argument pour, sans argument en faveur de, il n’y a pas de, il n’y a pas d’, il n’y a pas, on ne voit pas, on ne retrouve pas, n’est pas, ne montre pas, ne montre pas de, ne montre pas d’, ne retrouve pas, non, indemne de, indemne d’, indemnes de, libre de, libre d’, libres de, dépourvu de, dépourvue de, exempt de, exempte de, exempts de, exempt d’, rien, sans signe de, sans foyer de, pas d’image de, pas d’image évocatrice de, aucun signe de, aucun argument pour, aucun argument en faveur d’, aucun argument en faveur de, négatif pour, jamais, nul, nulle, pas de foyer de, ne comporte pas de, ne comporte pas d’, ne présente pas de, ne présente pas d’, absence d’argument pour, absence de signe de, pas de signe en faveur de, pas de signe en faveur d’, ne contient pas de, ne contient pas d’, éliminant, ne laisse voir aucun, ne laisse voir aucune, ne sont pas, on n’observe pas, on n’observe pas de, on n’observe pas d’, on ne note pas, on ne note pas de, on ne note pas d’, ne présentent pas de, ne présentent pas d’, ne montrent pas de, ne montrent pas d’, absence de foyer de, sans image de',
    after:
      'réexpandu(/e/s/es), s’est réexpandu, s’est réexpandue, s’est réexpandu complètement, absent, absente, absents, absentes, a disparu, ont disparu, disparu, disparue, disparues, résolu, résolue, exclu, exclue, éliminé, éliminée, non retrouvé, non retrouvée, non visible, non visibles, n’est pas visible, ne sont pas visibles, s’est résolu, s’est résolue, n’est plus visible, ne sont plus visibles, non vu, non vue, non retrouvés, non retrouvées, non visualisé, non visualisée, n’est pas retrouvé, n’est pas retrouvée, disparus, résorbé, résorbée, complètement résorbé, n’apparaît plus, a complètement disparu, ont complètement disparu, nettoyé, nettoyée, s’est nettoyé, s’est nettoyée, non décelable, non décelables, non retenu, non retenue, a régressé complètement, complètement régressé, a totalement disparu, totalement disparu, s’est résorbé, s’est résorbée, se sont résorbés, se sont résorbées, n’est plus retrouvé, n’est plus retrouvée, ne sont plus retrouvés, réséqué(/e/s/es), a été réséqué(/e), opéré et retiré, exérésé',
    clear:
      'libre, libres, clair, claire, clairs, claires, normal, normale, normaux, normales, indemne, indemnes, sans anomalie, sans particularité, respecté, respectée, respectés, respectées, épargné, épargnée, épargnés, épargnées, bien aéré, bien aérée, bien aérés, transparent, transparents, de transparence normale, ras, rien à signaler, sans anomalie notable, sans lésion, bien ventilé, bien ventilée, bien ventilés, pas d’anomalie, sans anomalie parenchymateuse, dans les limites de la normale, sans anomalie visible, épargnant, respectant, épargne, respecte, sain, saine, sains, saines, non atteint, non atteinte, d’aspect normal, de transparence conservée, sans anomalie évolutive, pas d’anomalie parenchymateuse, pas d’anomalie notable, sans anomalie décelable, bien clair, bien claire, dégagé, dégagée, dégagés, dégagées, de bonne transparence, préservé, préservée, préservés, préservées, normalement transparent, normalement transparents, normalement aéré, normalement aérés, sans particularités, sans anomalies, propre, propres, sans rien de notable, sans anomalie focale, pas d’anomalie focale, épargnent, respectent, de clarté normale, clarté normale, sans grande particularité, pas d’anomalie pleuro parenchymateuse, sans anomalie pleuro parenchymateuse, normalement ventilé, non touché, non touchée, de nouveau (clair/claire/libre/normal/normale/aéré/aérée), à nouveau (clair/claire/libre/normal/normale/aéré/aérée), redevenu(/e) (clair/claire/libre/normal/normale), s.p., r.a.s., r.a.s, s/p',
    pseudo:
      'pas de changement, pas de modification, sans changement, sans modification, pas seulement, pas uniquement, non seulement, pas d’amélioration, sans amélioration, pas de modification significative, n’a pas changé, non modifié, non modifiée, non modifiés, non modifiées, inchangé, inchangée, inchangés, inchangées, pas de régression, pas d’évolution, sans évolution, n’est plus libre, n’est pas libre, ne sont pas libres, pas de variation, non résolu, non résolue, non résolutive, n’a pas régressé, n’ont pas régressé, n’ont pas changé, n’a pas disparu, pas de résolution, sans régression, non systématisé(/e/es/s), non spécifique, non spécifiques, non excavé(/e/es/s), sans excavation, non calcifié(/e/es/s), sans calcification, pas de bronchogramme, sans bronchogramme, sans bronchogramme aérien, sans perte de volume, sans effet de masse, non rétractile, non homogène, pas encore résolu, pas encore résolue, pas complètement résolu, pas disparu, non confluent(/e/es/s), non confluentes, n’est pas clair, pas tout à fait libre, pas de majoration, non rétractées, sans retentissement, sans autre, pas d’autre, aucun autre, aucune autre, rien d’autre, sans rétraction, pas plus étendue, non évolutif, non évolutive, non connu, non connue, non connues, non vu auparavant, non présente auparavant, non présentes auparavant, non présente sur, non visible sur le cliché précédent, pas de comparatif, pas de cliché antérieur, pas de cliché de comparaison, pas d’antériorité, pas de récidive, sans récidive, pas de repère de côté, sans repère de côté, sans marqueur de côté, (cliché/dossier/examen/clichés/antérieurs) non (retrouvé/retrouvés/disponible/disponibles/fourni/fournis), (radio/radiographie/image/images) non (retrouvée/retrouvées/disponible/disponibles/fournie), (cliché/clichés) (absent/absents/manquant/manquants), (pas de/sans/aucune) (augmentation/diminution/croissance/progression/réduction/majoration/aggravation/augmentation de taille), n’a pas (augmenté/diminué/grossi/progressé/évolué), aucun changement, aucune (modification/évolution/amélioration/régression)',
  },
  uncertain:
    'possible, possibles, possiblement, probable, probables, probablement, suspect, suspecte, suspects, suspectes, suspect de, suspecte de, suspicion, suspicion de, suspicion d’, suspecté, suspectée, suspectés, évocateur, évocatrice, évocateurs, évocatrices, évocateur de, évocateur d’, évocatrice de, évocatrice d’, évoque, évoquent, évoquant, évoquer, à discuter, discuter, discutable, discutables, discuté, à évoquer, pouvant, peut, pouvant correspondre, peut correspondre, pourrait, pourraient, pourrait correspondre, ne peut être exclu, ne peut être exclue, ne peuvent être exclues, ne peuvent être exclus, ne peut être éliminé, ne peut être éliminée, ne peuvent être éliminées, à éliminer, ne peut pas être exclu, ne peut pas être exclue, ne peut pas être éliminé, ne peut pas être éliminée, non exclu, non exclue, n’est pas exclu, n’est pas exclue, n’est pas éliminé, n’est pas éliminée, ne permet pas d’éliminer, ne permet pas d’exclure, ?, douteux, douteuse, douteuses, doute, doute sur, sans doute, peut être, peut-être, éventuel, éventuelle, éventuels, éventuelles, éventuellement, vraisemblable, vraisemblables, vraisemblablement, versus, vs, vs., dd, compatible avec une possible, hypothèse, hypothèse de, hypothèse d’, à confirmer, semble, semblent, semblant, faisant suspecter, faisant évoquer, faisant discuter, fait discuter, fait évoquer, fait suspecter, font évoquer, font discuter, font suspecter, présumé, présumée, en faveur d’une possible, diagnostic différentiel, incertain, incertaine, équivoque, à interpréter, faisant craindre, fait craindre, laissant craindre, on ne peut exclure, on ne peut éliminer, difficile d’exclure, difficile d’éliminer, impossible d’exclure, non formellement exclu, non formellement exclue, à vérifier, soupçon, soupçon de, soupçon d’, soupçonné, soupçonnée, indéterminé, indéterminée, en faveur, en faveur de, en faveur d’, plutôt en faveur, supposé, supposée, interroge, questionnable, apparemment, plausible, probabilité, à contrôler, quasi certaine, suggestif, suggestive, suggestives, suggestifs, suggère, suggèrent, suggérant, orientant vers, oriente vers, orientent vers, à rapporter à, potentiel, potentielle, doit faire éliminer, doit faire discuter, faire discuter, faire évoquer, faire suspecter, ne saurait être exclu, ne saurait être exclue, ne saurait être éliminé, ne saurait être éliminée, on ne saurait exclure',
  corrections:
    'pardon, correction, je corrige, rectification, je rectifie, je veux dire, ou plutôt, excusez moi, erratum',
  conclusions: 'conclusion, en conclusion, au total, en résumé, synthèse, en synthèse, impression, résumé',
  sources: 'selon, d’après',
  underlying: 'sous jacent, sous jacente, sous jacents, sous jacentes',
  undecided:
    'impossible de (trancher/préciser le côté/dire le côté/dire lequel/préciser lequel/dire de quel côté/savoir lequel/savoir de quel côté), ne permet pas de trancher, lequel des deux, d’un côté comme de l’autre, l’un ou l’autre côté, de quel côté, peut être de l’un ou l’autre côté, on ne peut (trancher/pas trancher), quel côté, côté (incertain/indéterminé/inconnu/à préciser), latéralité (incertaine/indéterminée/à préciser/inconnue), côté (impossible à/non) (déterminer/préciser/identifier/déterminable/identifiable/reconnaissable), on ne (sait/peut dire/peut déterminer/distingue) pas (le côté/de quel côté/quel côté), le côté ne peut (pas être/être) (déterminé/précisé/identifié/établi), côté ignoré, illisible, non lisible, pas lisible',
  means:
    '(peut/peuvent/pouvant/pourrait/pourraient) (correspondre à/correspondre/être/représenter/évoquer/), correspondant à, correspond à, correspondent à, représente, représentent, compatible avec, compatibles avec, en rapport avec, évoquant, évoque, évoquent, évocateur de, évocatrice de, évocatrices de, évocateur d’, évocatrice d’, évocatrices d’, suggérant, suggère, suggèrent, lié à, due à, dû à, dues à, secondaire à, en faveur de, en faveur d’',
  pronouns: 'il, elle, elles, ils, cela, ceci, celle ci, celui ci, cette image, cet aspect',
  now: 'maintenant, désormais, actuellement, aujourd hui, de nouveau (clair/claire/libre/normal/normale/aéré/aérée), à nouveau (clair/claire/libre/normal/normale/aéré/aérée), redevenu(/e) (clair/claire/libre/normal/normale)',
  perhaps:
    'possiblement, probablement, peut être, peut-être, éventuellement, vraisemblablement, sans doute, ?',
  spoken: {
    comma: 'virgule',
    colon: 'deux points',
    stop: 'point virgule, point à la ligne, point final, à la ligne, nouvelle ligne',
  },
  ends: {
    but: 'mais, cependant, toutefois, néanmoins, tandis que, alors que, en revanche, par contre, pourtant, bien que, malgré, contrairement, contrairement à, au contraire, quoique, tandis qu, alors qu',
    begin:
      'il existe, il y a, on note, on retrouve, on observe, existe, présence de, présence d’, on voit, est visible, sont visibles, persiste, persistent, apparaît, apparaissent, on visualise, on met en évidence, se dessine',
    except:
      'sauf, hormis, excepté, à l’exception de, à l’exception d’, en dehors de, en dehors d’, à part, exception faite de, exception faite d’, à l’exclusion de, si ce n’est, mis à part, à l’exception du, à l’exception des, en dehors du',
  },
  foreign: FR_FOREIGN,
  landmarks: FR_LANDMARKS,
  nearby:
    'cicatrice, cicatrices, fibrose, bronchectasies, dilatation des bronches, dilatations des bronches, emphysème, granulome, perte de volume',
  natures:
    'atélectasie, atélectasies, collapsus, œdème, oedème, oap, surcharge, cicatrice, fibrose, contusion, hémorragie, infarctus, embolie, métastase, métastases, cancer, carcinome, néoplasie, sarcoïdose, granulome, épanchement, trouble de ventilation, troubles de ventilation, insuffisance cardiaque, tumoral, tumorale, tumoraux, séquelles de tuberculose, tuberculose (ancienne/séquellaire)',
  joins: {
    and: 'et, ainsi que, ainsi qu, &, +, mais aussi, mais également, également, aussi, plus, et aussi, plus que, supérieur à, ainsi qu à, et dans une moindre mesure, dans une moindre mesure, et à un moindre degré, à un moindre degré, étendu à, étendue à, étendues à, s’étendant à, s’étendant au, s’étendant vers, s’étend à, s’étend au, débordant sur, moins, comme, puis, et de façon moindre, de même que, de même qu, autant que, avec extension à, avec extension au, et moins',
    more: 'plus que, plus qu à, supérieur à, moins que, >, <, >>',
    or: 'ou, soit, ou bien, ou alors, versus',
    range: 'à, jusqu à, jusqu au, jusqu aux, jusqu en, au, -, →',
    namely: 'c est à dire, c’est-à-dire, à savoir, plus précisément, autrement dit, cad, soit précisément',
  },
  links:
    'à, au, aux, à la, à l’, de, du, de la, de l’, des, d’, dans, dans le, dans la, dans les, dans l’, en, sur, sur le, sur la, au niveau de, au niveau du, au niveau de la, au niveau des, au sein de, au sein du, occupant, occupe, occupent, intéressant, intéresse, intéressent, touchant, touche, touchent, atteignant, atteint, siégeant, siège, siègent, siégeant au, prédominant, prédominant à, prédominant aux, prédominante, prédominantes, prédominants, à prédominance, prédomine, prédominent, situé, située, situées, situés, localisé au, localisée au, localisé à, localisée à, localisée dans, localisé dans, en projection de, en projection du, se projetant sur, projeté sur, vers, limité à, limitée à, limitée au, limité au, le, la, les, l’, concernant, concerne, en regard de, en regard du, en regard de la, près de, sous, au dessus de, en région, par, confiné à, confinée à, confinée au, confiné au, remplissant, couvrant, envahissant, comblant, englobant, englobe, affectant, affecte, cantonnée à, cantonné à, cantonnée au, étendant, surtout, centrée sur, centré sur, entre, contre, systématisé au, systématisée au, systématisée à, qui occupe, qui intéresse, qui touche, pour, tout, celui (de/du/de la/des/à/au), celle (de/du/de la/des/à/au), ceux (de/du/de la/des), celles (de/du/de la/des)',
  only: 'seul, seule, uniquement, seulement, exclusivement, limité à, limitée à, seul le, seule la, seul l’, seule l’, seuls les, seules les, seul celui, seule celle, seuls ceux, seules celles',
  located: 'situé, située, situées, situés, siégeant, localisé, localisée',
  inside: 'de, du, de la, de l’, des, d’, dans, dans le, dans la, dans l’, dans les, au, à la, sur',
  with: 'avec, associé, associée, associés, associées, associé à, associée à, accompagné de, accompagnée de, accompagnée d’, accompagné d’, comportant, comporte, montre, montrent, présente, présentent, contient, contenant, en rapport avec, lié à, due à, dû à, secondaire à, au contact de, au contact du, refoulant, est le siège, est le siège de, est le siège d’, le siège de, le siège d’, siège de, siège d’, effaçant, efface, masquant, après',
  residual:
    'reste, le reste, le reste de, le reste du, reste du, reste de, par ailleurs, ailleurs, restant, restants, restante, autre, autres, partout ailleurs, pour le reste, du reste, au reste, le restant, restant du, pas de nouveau, pas de nouvelle, pas de nouveaux, pas de nouvelles',
  history:
    'antécédent, antécédents, antécédents de, indication, motif, renseignements cliniques, contexte clinique, histoire, atcd, clinique, opéré d’une, pneumonectomie, qui (était/avait été) (condensée/condensé/opaque/atteinte/atteint/infiltrée/infiltré/opacifiée/opacifié/collabée/collabé), auparavant (condensée/condensé/opaque/atteinte/atteint/infiltrée/infiltré/opacifiée/opacifié), précédemment (condensée/condensé/opaque/atteinte/atteint/infiltrée/infiltré/opacifiée/opacifié), antérieurement (condensée/condensé/opaque/atteinte/atteint)',
  auxiliaries: 'est, sont, a, ont, a été, ont été, s’est, se sont, était',
  purpose:
    'pour (éliminer/exclure/écarter/confirmer/rechercher/évaluer), à la recherche de, à la recherche d’',
  foreignEnds: 'ectomie, otomie, ostomie, plastie, scopie, paresie, plegie, algie, megalie',
  titles: 'm, mr, mme, mlle, monsieur, madame, mademoiselle, dr, docteur, pr, professeur, mmes, mm',
  filler: FR_FILLER,
  harmless: 'ment',
};
