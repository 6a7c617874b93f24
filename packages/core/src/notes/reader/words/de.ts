/** German of chest radiographs, with inflected forms and the abbreviations of dictation. */
import type { LanguageInput } from '../vocabulary-shape.js';
import { DE_FILLER, DE_FOREIGN, DE_LANDMARKS } from './de-other.js';

export const DE: LanguageInput = {
  places: 'before',
  compounds: true,
  sides: {
    left: 'links, link(e/er/es/en/em), li, li., linksseitig(/e/er/es/en/em), linksseits, lks, lks., linkslateral, linkerseits, l, l., linksbetont, linkspulmonal(/e/er/es/en/em), linksthorakal(/e/er/es/en/em)',
    right:
      'rechts, recht(e/er/es/en/em), re, re., rechtsseitig(/e/er/es/en/em), rechtsseits, rts, rechterseits, r, r., rechtsbetont, rechtspulmonal(/e/er/es/en/em), rechtsthorakal(/e/er/es/en/em)',
    both: 'beidseits, beiderseits, beid(e/er/en/es/em), beidseitig(/e/er/es/en/em), bds, bds., bilateral(/e/er/es/en/em), bipulmonal(/e/er/es/en/em), doppelseitig(/e/er/es/en/em), auf beiden seiten, links wie rechts, rechts wie links, bd., bilat., beide seiten',
    one: 'einseitig(/e/er/es/en/em), unilateral(/e/er/es/en/em), in ein(em/er) (unterlappen/oberlappen/lunge/lungenflügel/oberfeld/unterfeld/mittelfeld/lungenhälfte/lungenspitze/lungenbasis/hemithorax), (einer/eine) der (lungen/beiden lungen/basen/spitzen/lungenspitzen), einer der (unterlappen/oberlappen/beiden unterlappen/beiden oberlappen), eines der (unterfelder/oberfelder/mittelfelder), auf einer seite, eine lungenseite, nur eine seite, nur eine lunge, einer seite',
    opposite:
      'kontralateral(/e/er/es/en/em), gegenseite, gegenseitig(/e/er/es/en/em), andere seite, anderen seite, anderen lunge',
    same: 'ipsilateral(/e/er/es/en/em), gleichseitig(/e/er/es/en/em), selben seite, gleichen seite',
  },
  zones: {
    upper:
      'oben, ober(e/er/es/en/em), oberst(e/er/es/en/em), apikal(/e/er/es/en/em), apical(/e/er/es/en/em), infraklavikulär(/e/er/es/en/em), subklavikulär(/e/er/es/en/em), suprahilär(/e/er/es/en/em), infraclavikulär(/e/er/es/en/em), infraclaviculär(/e/er/es/en/em), kranial(/e/er/es/en/em), apikoposterior, oberlappig',
    middle:
      'mittler(e/er/es/en/em), perihilär(/e/er/es/en/em), parahilär(/e/er/es/en/em), hilär(/e/er/es/en/em), hilusnah(/e/er/es/en/em), perihiler, hilär betont, juxtahilär',
    lower:
      'unten, unter(e/er/es/en/em), unterst(e/er/es/en/em), basal(/e/er/es/en/em), basis, infrahilär(/e/er/es/en/em), parakardial(/e/er/es/en/em), perikardial(/e/er/es/en/em), supradiaphragmal(/e/er/es/en/em), zwerchfellnah(/e/er/es/en/em), posterobasal(/e/er/es/en/em), laterobasal(/e/er/es/en/em), dorsobasal(/e/er/es/en/em), basolateral(/e/er/es/en/em), kaudal(/e/er/es/en/em), epiphrenisch(/e/er/es/en/em), mediobasal(/e/er/es/en/em), anterobasal(/e/er/es/en/em), bodennah',
  },
  named: {
    'left + right':
      'herz lungen befund, herz lungenbefund, herz und lunge, herz und lungen, kardiopulmonal(/e/er/es/en) befund',
    upper:
      'oberlappen, oberlappens, oberfeld, oberfeldes, oberfelds, obergeschoss, obergeschosses, lungenspitze, spitze, apex, oberes drittel, oberen drittel, spitzenfeld, spitzenbereich, spitzenregion, lungenspitzenbereich, oberlappenbereich, oberzone, lungenoberfeld, lungenoberlappen, apikalsegment, oberdrittel, ol, of, ober-, oberlappen-, lungenober-, oberfeldbereich',
    middle:
      'mittelfeld, mittelfeldes, mittelfelds, mittelgeschoss, mittelgeschosses, mittleres drittel, mittleren drittel, hilusregion, hilusbereich, hilusnähe, mittelzone, lungenmittelfeld, mitteldrittel, mf, mittel-, perihilärregion, mittelfeldbereich',
    lower:
      'unterlappen, unterlappens, unterfeld, unterfeldes, unterfelds, untergeschoss, untergeschosses, lungenbasis, basis, lungenunterfeld, lungenunterlappen, unteres drittel, unteren drittel, unterzone, unterdrittel, basisnah, basisnahe, basisnahen, basaler abschnitt, ul, uf, unter-, unterfeldbereich, recessus costodiaphragmaticus, randwinkelbereich',
    'upper left + upper right':
      'in den oberlappen, die oberlappen, in den lungenspitzen, lungenspitzen, spitzen, oberlappen beider lungen, apices, spitzenfelder, spitzenfeldern, oberfelder, oberfeldern, obergeschosse, obergeschossen, biapikal(/e/er/es/en/em)',
    'middle left + middle right':
      'mittelfelder, mittelfeldern, mittelgeschosse, mittelgeschossen, bihilär(/e/er/es/en/em)',
    'lower left + lower right':
      'in den unterlappen, die unterlappen, lungenbasen, basen, unterfelder, unterfeldern, untergeschosse, untergeschossen, bibasal(/e/er/es/en/em), bibasilär(/e/er/es/en/em)',
    'upper + middle': 'ober(en/e) zwei drittel, ober(en/e) 2/3, zwei oberen drittel',
    'middle + lower':
      'unter(en/e) zwei drittel, unter(en/e) 2/3, zwei unteren drittel, kaudalen zwei drittel',
    'upper right': 'rol, rof',
    'middle right':
      'mittellappen rechts, rechter mittellappen, rml, mittellappen, mittellappens, mittellappenbereich, ml',
    'lower right': 'rul, ruf',
    'upper left': 'lol, lof',
    'middle left':
      'lingula, lingulär(/e/er/es/en/em), lingulabereich, lingulasegment, lingulasegmente, lingulasegmenten, lingulaabschnitt',
    'lower left':
      'lul, luf, retrokardial(/e/er/es/en/em), hinter dem herzen, hinter dem herzschatten, hinter der herzsilhouette, retrokardialraum, herzhinterraum, retrocardial(/e/er/es/en/em)',
  },
  whole:
    'gesamt(e/er/es/en/em), ganz(e/er/es/en/em), komplett(e/er/es/en/em), vollständig(/e/er/es/en/em), durchgehend, total(e/er/es/en/em), alle abschnitte, alle lappen, allen lappen, alle felder, alle drei felder, allen drei feldern, aller lappen, allen abschnitten, sämtliche lappen, sämtlichen lappen, sämtliche felder, überall in',
  organs: {
    one: '(alle/allen/aller) drei lappen, basis, apex, spitze, lungenspitze, lungenbasis, oberlappen, oberlappens, unterlappen, unterlappens, oberfeld, oberfeldes, mittelfeld, mittelfeldes, unterfeld, unterfeldes, obergeschoss, mittelgeschoss, untergeschoss, lunge, lungenflügel, lungenflügels, lappen, lappens, feld, feldes, felds, bereich, bereichs, bereiches, lungenfeld, lungenfeldes, lungenlappen, seite, region, zone, abschnitt, abschnitts, drittel, segment, segmente, hemithorax, thoraxhälfte, geschoss, areal, lungenareal, parenchym, lungenanteil, anteil, anteile, anteilen, lungenabschnitt, thoraxseite, lungenseite, lungenhälfte, lungenhälften',
    many: 'felder, feldern, lungenabschnitte, lungenabschnitten, abschnitte, abschnitten, bereiche, bereichen, zonen, regionen, thoraxhälften, lungenflügeln, geschosse, geschossen',
    all: 'herz lungen befund, herz lungenbefund, herzlungenbefund, herz und lungenbefund, cor pulmo befund, lungen, lungenfelder, lungenfeldern, lungenhälften',
  },
  findings: {
    opacity:
      'verschattung, verschattungen, verschattet, verschattete, verschatteter, verschattetes, verschatteten, trübung, trübungen, eintrübung, eintrübungen, eingetrübt, eingetrübte, getrübt, dichteanhebung, dichteanhebungen, dichtezunahme, dichteerhöhung, dichteerhöhungen, transparenzminderung, transparenzminderungen, transparenzgemindert, transparenzgeminderte, transparenzgeminderter, minderbelüftet, opazität, opazitäten, schatten, weiße lunge, weisse lunge, verschleierung, fleckschatten, fleckschatten, streifenschatten, belüftungsminderung, transparenzverminderung, verschattungsareal, verschattungsareale, flächenschatten, schleier, schleierig, weichteildichte verschattung, verdämmerung, zeichnungsvermehrung, zeichnungsvermehrungen, schattengebend, komplettverschattung, totalverschattung',
    consolidation:
      'konsolidierung, konsolidierungen, konsolidation, konsolidationen, konsolidiert, konsolidierte, konsolidierter, konsolidiertes, konsolidierten, verdichtung, verdichtungen, verdichtet, verdichtete, verdichteter, verdichtetes, verdichteten, verdichtungsareal, verdichtungsareale, verdichtungsherd, parenchymverdichtung, parenchymverdichtungen, alveoläre füllung',
    infiltrate:
      'infiltrat, infiltrate, infiltraten, infiltrats, infiltrates, infiltration, infiltrationen, infiltriert, infiltrierte, infiltrierter, infiltrierend, infiltrierende, infiltrativ, infiltrative, infiltrativen, infiltrativer, infiltratnachweis, infiltratverdächtig, infiltratverdächtige, infiltratverdächtiger, infiltrativ veränderung',
    'ground glass':
      'milchglas, milchglastrübung, milchglastrübungen, milchglasartig, milchglasartige, milchglasartiger, milchglasartiges, milchglasartigen, milchglasverschattung, milchglasverschattungen, ggo, ggos, milchglasinfiltrat, milchglasinfiltrate, milchglasareale, milchglasareal, milchglasopazität, milchglasopazitäten, ground glass, milchglasherde, milchglasherd, milchglaszeichnung',
    focus:
      'areal, areale, arealen, box, boxen, markierung, markierungen, herd, herde, herden, herdes, fokus, foki, herdschatten, herdförmig, herdförmige, herdförmiger, fleck, flecken, herdbefund, herdbefunde, herdbefunden',
    patch: 'fleckige zeichnung, areal mit',
    lesion:
      'läsion, läsionen, raumforderung, raumforderungen, kaverne, kavernen, tumor, abszess, einschmelzung, einschmelzungen, masse, metastasen, metastase',
    nodule:
      'rundherd, rundherde, rundherden, rundherdes, rundschatten, knoten, noduli, nodulus, mikronoduli, lungenrundherd, lungenrundherde',
    atelectasis:
      'atelektase, atelektasen, plattenatelektase, plattenatelektasen, atelektatisch(/e/er/es/en), dystelektase, dystelektasen, dystelektatisch(/e/er/es/en), teilatelektase, teilatelektasen, minderbelüftung, minderbelüftungen, streifenatelektase, streifenatelektasen, unterlappenatelektase, oberlappenatelektase, belüftungsstörung, belüftungsstörungen, minderbelüftet(/e/er/es/en), belüftungsdefizit',
    collapse: 'kollaps, kollabiert(/e/er/es/en)',
    contusion: 'kontusion, kontusionen, lungenkontusion, lungenkontusionen, kontusionsherd, kontusionsherde',
    tumour:
      'karzinom, bronchialkarzinom, bronchuskarzinom, malignom, lungenkarzinom, bronchialca, bronchial ca',
    infection:
      'pneumonie, pneumonien, pneumonisch, pneumonische, pneumonischer, pneumonisches, pneumonischen, bronchopneumonie, bronchopneumonien, bronchopneumonisch, bronchopneumonische, bronchopneumonischer, bronchopneumonischen, infekt, infektion, entzündung, entzündungen, entzündlich, entzündliche, entzündlicher, entzündliches, entzündlichen, pneumonitis, tuberkulose, tbc, tbk, lobärpneumonie, aspirationspneumonie, viruspneumonie, covid, covid 19, lungenentzündung, pleuropneumonie, lappenpneumonie, pneumoniezeichen, pneumonieverdächtig, pneumonieverdächtige, pneumonieverdächtiger, pneumonietypisch, pneumonietypische, pneumoniehinweis, aspiration, superinfektion',
    change:
      'veränderung, veränderungen, prozess, prozesse, befall, befallen, lungenveränderungen, affektion, pathologie, parenchymveränderung, parenchymveränderungen, auffälligkeit, auffälligkeiten, lungenprozess, affektionen, (narbige/fibrotische/bronchiektatische) (veränderungen/veränderung), narbigen veränderungen, fibrotischen veränderungen, irgendetwas, irgendwas, etwas (im/in der/in), was im',
  },
  counts: {
    '1': 'solitär(/e/er/es/en/em), singulär(/e/er/es/en/em), einzeln(/e/er/es/en/em), ein einzelner, eine einzelne, ein einziger, eine einzige, ein einziges, unifokal(/e/er/es/en/em), einzig(e/er/es/en/em), vereinzelter, eine solitäre, monofokal(/e/er/es/en)',
    '2': 'zwei, zweier, ein paar von, beide von zwei, zweifach',
    '3': 'drei, dreier',
    '4': 'vier',
    '5': 'fünf',
    '6': 'sechs',
    '7': 'sieben',
    '8': 'acht',
    '9': 'neun',
    '10': 'zehn',
  },
  articles: 'ein, eine, einen, einem, einer, eines, eins',
  another:
    'ein(/e/en) (weiterer/weiteres/weitere/weiteren/anderer/anderes/andere/anderen/neuer/neues/neue/neuen/zweiter/zweites/zweite/zweiten), das (im/in der), der (im/in der), die (im/in der), diejenige(/n), derjenige, dasjenige, jene(/r/s) (im/in der), weiterer, weiteres, neuer',
  units:
    'mm, cm, millimeter, zentimeter, tag, tage, tagen, woche, wochen, monat, monate, monaten, jahr, jahre, jahren, uhr, x, mal, ebenen, ebene, icr, grad, prozent, %, stunden, ml, bwk, rippe, stadium, segment, drittel, kammer, drainagen, th, vor, sonden, aufnahmen',
  times: 'x, ×',
  extent: {
    focal:
      'fokal(/e/er/es/en/em), umschrieben(/e/er/es/en/em), lokalisiert(e/er/es/en/em), solitär(/e/er/es/en/em), singulär(/e/er/es/en/em), kleinherdig, nodulär(/e/er/es/en/em), rundlicher herd, kleiner herd, kleine herdförmige, unifokal(/e/er/es/en/em), begrenzt auf ein kleines areal, kleinen herd, kleines areal, herdförmig(/e/er/es/en/em), knotig(/e/er/es/en/em), einzeln(e/er/es/en/em), knotenförmig(/e/er/es/en), monofokal(/e/er/es/en), kleiner fleck',
    multifocal:
      'multifokal(/e/er/es/en/em), multipl(e/er/es/en/em), multipel, mehrer(e/er/en), zahlreich(/e/er/es/en), viele, vielen, einige, einigen, einiger, disseminiert(e/er/es/en/em), verstreut(/e/er/es/en/em), vereinzelt(/e/en), wenige, ein paar, etliche, diverse, unzählige, mehrherdig(/e/er/es/en), multilokulär(/e/er/es/en/em), verteilt(e/er/es/en), streuherde, gestreut(/e/en), mehrfach(/e/en), vielzahl, mehrzahl, einzelne, multilobär(/e/er/es/en), unzählbar, zu viele um gezählt zu werden, dutzende',
    diffuse:
      'diffus(/e/er/es/en/em), ausgedehnt(/e/er/es/en/em), ausgedehntest(e/en), großflächig(/e/er/es/en/em), grossflächig(/e/er/es/en), komplett(/e/er/es/en/em), vollständig(/e/er/es/en/em), total(/e/er/es/en/em), generalisiert(/e/er/es/en/em), weitreichend(/e/er/es/en), weitgehend vollständig, gesamt(e/er/es/en/em), ganz(e/er/es/en), subtotal(/e/er/es/en), flächendeckend(/e/er/es/en), ausgebreitet(/e/er/es/en/em), panlobär(/e), homogen verschattet, durchgehend, weiße lunge, weisse lunge, ubiquitär(/e/er/es/en), überall, global(/e/er/es/en), weit verbreitet, weit ausgedehnt, komplettverschattung, totalverschattung, massiv ausgedehnt, extensiv(/e/er/es/en), großflächig',
  },
  negation: {
    before:
      'nichts, vollständige rückbildung, vollständige rückbildung des, vollständige rückbildung der, komplette rückbildung, auflösung des, auflösung der, kein(/e/er/es/en/em), keinerlei, ohne, ohne nachweis, ohne hinweis auf, ohne anhalt für, kein nachweis, kein nachweis von, kein nachweis eines, kein nachweis einer, kein hinweis auf, kein hinweis für, keine hinweise auf, keine hinweise für, kein anhalt für, keinen anhalt für, kein anhalt auf, kein zeichen, keine zeichen, keine zeichen von, keine zeichen einer, kein anhaltspunkt für, keine anhaltspunkte für, ausschluss, ausschluss von, ausschluss einer, ausschluss eines, nicht, frei von, weder, fehlender nachweis, fehlender nachweis von, fehlende, nichts, keine sicheren, kein sicheres, kein sicherer, keine umschriebenen, kein umschriebenes, keine umschriebene, kein eindeutiges, keine eindeutigen, kein frisches, keine frischen, keine akuten, nirgends, spricht gegen, gegen, keine eindeutige, kein abgrenzbares, keine abgrenzbaren, o., o. n., ø, niemals, kein wesentliches, keine floriden, kein florides, keine fokale, kein fokales, keine fokalen, nein, nirgendwo',
    after:
      'wieder (entfaltet/vollständig entfaltet/komplett entfaltet), (hat/haben) sich wieder (entfaltet/vollständig entfaltet), (hat/haben) sich (vollständig/komplett/ganz) zurückgebildet, (hat/haben) sich (vollständig/komplett/ganz) aufgelöst, (vollständig/komplett) zurückgebildet, zurückgebildet, (vollständig/komplett) aufgelöst, nicht nachweisbar, nicht abgrenzbar, nicht erkennbar, nicht sichtbar, nicht zu erkennen, nicht zu sehen, nicht mehr nachweisbar, nicht mehr abgrenzbar, nicht mehr erkennbar, nicht mehr sichtbar, nicht vorhanden, ausgeschlossen, nicht dargestellt, nicht gesehen, vollständig rückgebildet, komplett rückgebildet, nicht auszumachen, nicht darstellbar, nicht nachgewiesen, verschwunden, nicht vorliegend, liegt nicht vor, liegen nicht vor, nicht zu finden, nicht ersichtlich, nicht gegeben, aufgelöst, nicht feststellbar, nicht festzustellen, nicht zu sichern, nicht mehr zu sehen, nicht mehr zu erkennen, nicht mehr vorhanden, komplett regredient, vollständig regredient, nicht mehr auszumachen, abgeheilt, reseziert, operativ entfernt, wurde reseziert, exzidiert, ist reseziert, (vollständig/komplett/ganz) rückläufig, komplett resorbiert, vollständig resorbiert, resorbiert',
    clear:
      'altersentsprechend(/e/er/es/en), frei, freie, freier, freies, freien, unauffällig(/e/er/es/en/em), regelrecht belüftet, regelrecht(/e/er/es/en) transparent, klar, normal transparent, o.b., o. b., o.p.b, o.p.b., normal, normal(e/er/es/en/em), normal belüftet, gut belüftet, ausgespart, verschont, infiltratfrei(/e/er/es/en), ohne befund, ohne pathologischen befund, ohne auffälligkeit, ohne auffälligkeiten, regelhaft belüftet, unbeteiligt, nicht betroffen, ausgenommen, stellt sich frei dar, sauber, ohne pathologie, transparent, nicht befallen, unverschattet, nicht beteiligt, intakt belüftet, altersentsprechend unauffällig, seitengleich belüftet, seitengleich transparent, ohne besonderheiten, unverändert frei, herdfrei, aussparung, unter aussparung, unter aussparung von, unter aussparung der, unter aussparung des, altersentsprechend, rein, verschattungsfrei, zeigt nichts, blande, gesund, bland, wieder (frei/klar/normal/belüftet/unauffällig), wieder (vollständig/ganz/komplett) (frei/belüftet), unauff, unauff., unauffäll., o. p. b., opb, ohne path. befund, regelr. belüftet',
    pseudo:
      'nicht nur, keine änderung, keine wesentliche änderung, keine befundänderung, keine veränderung, keine befundbesserung, keine besserung, keine wesentliche befundänderung, keine dynamik, keine befunddynamik, ohne dynamik, nicht frei, nicht mehr frei, nicht rückläufig, keine rückbildung, nicht verändert, kein rückgang, keine regredienz, ohne änderung, ohne wesentliche änderung, ohne befundänderung, nicht vollständig frei, nicht komplett frei, ohne rückbildung, nicht zurückgebildet, ohne auslöschung, ohne auslöschung der, kein positives pneumobronchogramm, ohne pneumobronchogramm, ohne positives bronchopneumogramm, nicht vollständig rückgebildet, nicht mehr vollständig, nicht kleiner, ohne einschmelzung, keine einschmelzung, ohne verkalkung, keine verkalkung, ohne kavernen, nicht mitabgebildet, nicht mit abgebildet, nicht verkalkt, nicht ganz frei, unverändert(/e/er/es/en/em), nicht bloß, nicht allein, nicht lediglich, ohne volumenminderung, ohne volumenverlust, ohne wesentliche befundänderung, noch nicht aufgelöst, noch nicht rückgebildet, keine weiteren, kein weiterer, kein weiteres, keine weitere, sonst nichts, ohne bronchopneumogramm, keine voraufnahmen, keine voraufnahme, keine vorbilder, kein vorbefund, kein seitbild, nicht vollständig erfasst, nicht seitengleich, nicht scharf, nicht scharf abgrenzbar, nicht sicher zuzuordnen, ohne regredienz, kein rezidiv, ohne rezidiv, kein rezidivhinweis, kein hinweis auf rezidiv, ohne seitenmarkierung, keine seitenmarkierung, ohne seitenangabe, (aufnahme/aufnahmen/bild/bilder/voraufnahme/voraufnahmen/vorbilder/anforderung/befund) nicht (auffindbar/vorhanden/verfügbar/vorliegend/mehr auffindbar/mehr vorhanden), keine (zunahme/abnahme/verkleinerung/vergrößerung/größenzunahme/größenabnahme/größenänderung/progredienz/progression/verschlechterung/größenprogredienz/regression/wesentliche rückbildung/wesentliche änderung/wesentliche befunddynamik), kein (wachstum/progress/fortschreiten/größenwachstum), ohne (zunahme/größenzunahme/progress/progredienz/größenänderung/wachstum/verschlechterung), schlecht belüftet(/e/er/es/en), nicht belüftet(/e/er/es/en), vermindert belüftet',
  },
  uncertain:
    'möglich(/e/er/es/en/em), möglicherweise, wahrscheinlich(/e/er/es/en/em), verdacht, verdacht auf, va, v.a., v.a, v. a., v. a, vd, v.d., v. d., v.d, verdächtig, verdächtig(e/er/es/en/em), verdächtig auf, verdächtig für, suspekt, suspekt(e/er/es/en/em), fraglich(/e/er/es/en/em), frgl, frgl., eventuell(/e/er/es/en), evtl, evtl., ev., vermutlich(/e/er/es/en), vermutet, nicht auszuschließen, nicht ausgeschlossen, nicht sicher auszuschließen, nicht sicher ausgeschlossen, kann nicht ausgeschlossen werden, können nicht ausgeschlossen werden, kann nicht sicher ausgeschlossen werden, nicht sicher auszuschliessen, nicht auszuschliessen, lässt sich nicht ausschließen, lassen sich nicht ausschließen, lässt sich nicht sicher ausschließen, ausschließen lässt sich, kann man nicht ausschließen, könnte, könnten, kann entsprechen, dd, d.d., differentialdiagnostisch, differenzialdiagnostisch, differentialdiagnose, am ehesten, ehesten, eher, ?, vereinbar mit einer möglichen, hinweis auf, hinweisend auf, hinweise auf, hinweise für, hinweisend für, anhalt für, nahelegend, naheliegend, legt nahe, legen nahe, lässt an, lassen an, denken lassen, zu denken, gedacht werden, unsicher(/e/er/es/en), unklar ob, infiltratverdächtig(/e/er/es/en), pneumonieverdächtig(/e/er/es/en), metastasenverdächtig(/e/er/es/en), tumorverdächtig(/e/er/es/en), malignomverdächtig(/e/er/es/en), tbc verdächtig, malignitätsverdächtig(/e/er/es/en), karzinomverdächtig, versus, vs, vs., wohl, mutmaßlich(/e/er/es/en), anscheinend, scheinbar, zweifelhaft(/e/er/es/en), in betracht, zu erwägen, erwägen, vorstellbar, denkbar, z. a., z.a., zum ausschluss, ausschluss erforderlich, möglicherweise einem, infrage, in frage, imponiert wie, verdachtsdiagnose, könnte sein, dürfte, dürften, passend zu möglicher, oder doch, suggestiv, angedeutet, wahrscheinlichste, tumorsuspekt, infiltratsuspekt, pneumoniesuspekt, infiltratsuspekte, verdachts, a.e., a. e., a.e, vielleicht',
  corrections:
    'korrektur, korrigiere, ich korrigiere, korrigiert, vielmehr, pardon, verzeihung, entschuldigung, besser gesagt, ich meine, richtig wäre, muss heißen, soll heißen',
  conclusions:
    'beurteilung, fazit, zusammenfassung, zusammenfassend, in zusammenschau, schlussfolgerung, ergebnis, zusammengefasst, abschließende beurteilung, gesamtbeurteilung',
  sources: 'laut, gemäß, nach angabe, nach angaben, lt. befund, lt. anforderung',
  underlying:
    'darunter, darunterliegend(/e/er/es/en), darunter liegend(/e/er/es/en), zugrundeliegend(/e/er/es/en), dahinterliegend(/e/er/es/en)',
  undecided:
    '(angaben/seitenangaben) (widersprüchlich/widersprechen sich), widersprüchliche (angaben/seitenangaben), welche (angabe/angabe stimmt/angabe richtig ist), welche von (beiden/beiden seiten), seite nicht (zu klären/klärbar/bestimmbar/zuzuordnen/zu bestimmen), (könnte/kann) (rechts/links) wie (links/rechts) (liegen/sein), (könnte/kann) auf (jeder/beiden) (seite/seiten) (liegen/sein), welche(/r) seite, seite (unklar/fraglich/unbekannt/unsicher/offen), seitenangabe (unklar/widersprüchlich/unsicher), seite nicht sicher, unklare seite, nicht zu entscheiden, nicht entscheidbar, seitenzuordnung nicht möglich, seitenzuordnung unklar, seite (ist nicht/nicht) (erkennbar/ersichtlich/feststellbar/festzustellen/ermittelbar/ablesbar), seite lässt sich nicht (bestimmen/feststellen/erkennen), seite nicht mehr (feststellbar/bestimmbar/nachvollziehbar), seite kann nicht (bestimmt/angegeben/festgestellt) werden, seitenlokalisation unklar, rechts oder links (unklar/nicht erkennbar/nicht zu erkennen), nicht lesbar, nicht leserlich, unleserlich, unlesbar, nicht zu entziffern',
  means:
    'entspricht, entsprechen, entsprechend, vereinbar mit, passend zu, am ehesten, kann entsprechen, können entsprechen, könnte entsprechen, könnten entsprechen, könnte sein, dürfte, dürften, hinweisend auf, bedingt durch, wohl, spricht für, sprechen für',
  pronouns: 'es, dies, diese, dieser, dieses, sie, er',
  now: 'jetzt, nun, nunmehr, aktuell, derzeit, heute, wieder (frei/klar/normal/belüftet/unauffällig), wieder (vollständig/ganz/komplett) (frei/belüftet)',
  perhaps:
    'möglicherweise, wahrscheinlich, vermutlich, vielleicht, eventuell, evtl, evtl., am ehesten, wohl, mutmaßlich, ?',
  spoken: {
    comma: 'komma',
    colon: 'doppelpunkt',
    stop: 'semikolon, strichpunkt, neue zeile, absatz, neuer absatz',
  },
  ends: {
    but: 'aber, jedoch, hingegen, dagegen, allerdings, während, sondern, obwohl, wohingegen, doch, demgegenüber, indes, trotz, im gegensatz, im unterschied, gleichwohl',
    begin:
      'es besteht, es zeigt sich, es zeigen sich, es findet sich, es finden sich, zeigt sich, zeigen sich, findet sich, finden sich, besteht, bestehen, stellt sich, stellen sich, es stellt sich, es liegt',
    except:
      'außer, ausser, bis auf, abgesehen von, mit ausnahme, mit ausnahme von, mit ausnahme der, mit ausnahme des, mit ausnahme eines, mit ausnahme einer',
  },
  foreign: DE_FOREIGN,
  landmarks: DE_LANDMARKS,
  nearby:
    'narbe, narben, narbig, fibrose, bronchiektasen, bronchiektase, emphysem, granulom, volumenminderung',
  natures:
    'atelektase, atelektasen, atelektatisch, dystelektase, dystelektasen, kollaps, stauung, lungenödem, ödem, narbe, narbig, fibrose, kontusion, blutung, infarkt, karzinom, malignom, sarkoidose, granulom, erguss, minderbelüftung, bronchialkarzinom, kardiale dekompensation, lungenembolie, narben, stauungsbedingt, (alte/ältere/abgeheilte/frühere/durchgemachte) (tbc/tuberkulose)',
  joins: {
    and: 'und, u, u., sowie, &, +, wie auch, als auch, sondern auch, ebenso, plus, mehr als, stärker als, größer als, ausgeprägter als, etwas ausgeprägter als, auch, zusätzlich, geringer auch, weniger, in geringerem maße, geringer, übergreifend auf, mit übergreifen auf, und auch, >, <, gleichermaßen, darüber hinaus, und geringer, mit ausdehnung in, und weniger ausgeprägt',
    more: 'mehr als, stärker als, größer als, ausgeprägter als, weniger als, >, <, >>',
    or: 'oder, bzw, bzw., beziehungsweise, noch, entweder, versus, vs, vs.',
    range:
      'bis, bis zu, bis in, bis zum, bis zur, bis ins, bis in das, bis in den, bis in die, bis nach, -, →',
    namely: 'also, nämlich, und zwar, d.h., d. h., das heißt, sprich, genauer, i.e.',
  },
  links:
    'in, im, in der, in den, in dem, in die, ins, an, am, an der, auf, auf der, auf die, auf den, auf das, über, über dem, über der, der, des, dem, den, von, vom, innerhalb, beidseits in, in projektion auf, projiziert auf, in projektion auf die, in projektion auf den, in projektion auf das, in höhe, auf höhe, entlang, nahe, neben, unterhalb, oberhalb, betreffend, betrifft, zur, zum, bei, durch, hinter, lokalisiert in, lokalisiert im, gelegen im, betont, mit betonung, mit betonung der, mit schwerpunkt, schwerpunktmäßig, mit punctum maximum, punctum maximum, vor allem, insbesondere, überwiegend, vorwiegend, hauptsächlich, beschränkt auf, begrenzt auf, erfasst, erfassen, einnehmend, einnimmt, nimmt, umfasst, füllt, entsprechend, um, aus, zu, zentriert, zentriert auf, ausgehend von, ausgehend vom, sitzt im, sitzt in, einschließlich, aller, das (im/in der), der (im/in der), die (im/in der), jene(/r/s) (im/in der), etwas (im/in der/in)',
  only: 'nur, ausschließlich, lediglich, allein, beschränkt auf, begrenzt auf',
  located: 'gelegen in, gelegen im, lokalisiert in, lokalisiert im',
  inside: 'in, im, der, des, am, an der, in der, an',
  with: 'bei, bei bekannt(er/em), mit, begleitet von, bei begleitendem, bei begleitender, zeigt, zeigen, weist, weisen, enthält, samt, nebst, infolge, durch einen, durch eine, aufgrund, begleitend, begleitende, begleitender, angrenzend, angrenzende, angrenzender, angrenzenden, nach',
  residual:
    'sonst, übrig(e/er/es/en), im übrigen, ansonsten, restlich(e/er/es/en/em), restlunge, rest, sonstig(e/er/es/en), andernorts, übrigen, im rest, verbleibend(e/er/es/en), weitere, andere, anderen, anderweitig, die übrigen, restliches, darüber hinaus keine, ansonst, keine neuen, kein neues, kein neuer',
  history:
    'anamnese, anamnestisch, klinik, klinische angaben, fragestellung, indikation, zn, voroperation, rechtfertigende indikation, klinische fragestellung, z. n., pneumonektomie, zuvor (konsolidiert/verschattet/infiltriert/verdichtet/befallen/betroffen/atelektatisch/kollabiert/eingetrübt/konsolidierte/verschattete/infiltrierte/verdichtete), vormals (konsolidiert/verschattet/infiltriert/verdichtet/befallen/betroffen/atelektatisch/kollabiert/eingetrübt/konsolidierte/verschattete/infiltrierte/verdichtete), ehemals (konsolidiert/verschattet/infiltriert/verdichtet/befallen/betroffen/atelektatisch/kollabiert/eingetrübt/konsolidierte/verschattete/infiltrierte/verdichtete), zuletzt (konsolidiert/verschattet/infiltriert/verdichtet/befallen/betroffen/atelektatisch/kollabiert/eingetrübt/konsolidierte/verschattete/infiltrierte/verdichtete), vorher (konsolidiert/verschattet/infiltriert/verdichtet/befallen/betroffen/atelektatisch/kollabiert/eingetrübt/konsolidierte/verschattete/infiltrierte/verdichtete), früher (konsolidiert/verschattet/infiltriert/verdichtet/befallen/betroffen/atelektatisch/kollabiert/eingetrübt/konsolidierte/verschattete/infiltrierte/verdichtete), damals (konsolidiert/verschattet/infiltriert/verdichtet/befallen/betroffen/atelektatisch/kollabiert/eingetrübt/konsolidierte/verschattete/infiltrierte/verdichtete), ursprünglich (konsolidiert/verschattet/infiltriert/verdichtet/befallen/betroffen/atelektatisch/kollabiert/eingetrübt/konsolidierte/verschattete/infiltrierte/verdichtete), (konsolidiert/verschattet/infiltriert/verdichtet/befallen/betroffen/kollabiert/eingetrübt) (war/gewesen war/gewesen)',
  auxiliaries: 'ist, sind, war, waren, hat, haben, hat sich, haben sich, wurde, wurden, wird',
  purpose:
    '(ct/empfohlen/empfehle ct/ct empfohlen/ct thorax) zum ausschluss, (ct/empfohlen/empfehle ct/ct empfohlen/ct thorax) zum ausschluss (von/einer/eines/eines), zum nachweis, zur abklärung, zur kontrolle, um (/eine/ein/einen) auszuschließen',
  foreignEnds: 'ektomie, otomie, ostomie, plastik, skopie, parese, plegie, algie, megalie, fraktur',
  titles: 'herr, herrn, frau, fr, hr, dr, prof, professor, kollege, kollegen, kollegin, med, doktor',
  filler: DE_FILLER,
};
