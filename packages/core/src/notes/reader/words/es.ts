/** Spanish of chest radiographs, with and without accents, with the abbreviations of dictation. */
import type { LanguageInput } from '../vocabulary-shape.js';
import { ES_FILLER, ES_FOREIGN, ES_LANDMARKS } from './es-other.js';

export const ES: LanguageInput = {
  places: 'after',
  sides: {
    left: 'izquierd(o/a/os/as), izq, izq., izdo, izda, izdo., izda., izqda, izqdo, izqda., izqdo., izd, izd., i, lado izquierdo',
    right: 'derech(o/a/os/as), der, der., dcho, dcha, dcho., dcha., dch, dch., d, lado derecho, drcha, drcho',
    both: 'amb(os/as), bilateral, bilaterales, bilat, bilat., bilateralmente, los dos lados, las dos, los dos, ambos lados, bipulmonar, bipulmonares, uno y otro, a ambos lados, en ambos lados, cada lado, cada pulmón, ninguno de los dos, de ambos',
    one: 'unilateral, unilaterales, un solo (pulmón/lado/hemitórax/lóbulo/lóbulo inferior/lóbulo superior/vértice), una sola base, una de las (bases/dos bases), uno de los (pulmones/dos pulmones/lóbulos inferiores/lóbulos superiores/vértices/hemitórax/campos superiores/campos inferiores/lados), un solo campo, un lado, un pulmón, solo un pulmón, una base pulmonar',
    opposite: 'contralateral, contralaterales, lado opuesto, otro lado, otro pulmón, lado contrario',
    same: 'ipsilateral, mismo lado, mismo pulmón, ese mismo pulmón, homolateral, ese pulmón, dicho pulmón, ese lado, este mismo pulmón, mismo hemitórax',
  },
  zones: {
    upper:
      'arriba, superior, superiores, apical, apicales, suprahiliar, suprahiliares, infraclavicular, infraclaviculares, subclavicular, subclaviculares, apicoposterior, supra hiliar, sup, sup., ls',
    middle:
      'medi(o/a/os/as), perihiliar, perihiliares, parahiliar, parahiliares, hiliar, hiliares, yuxtahiliar, intermedi(o/a/os/as), peri hiliar, med, parahilar, perihilar, perihilares, parahilares',
    lower:
      'abajo, inferior, inferiores, basal, basales, infrahiliar, infrahiliares, paracardiac(o/a/os/as), paracardíac(o/a/os/as), supradiafragmátic(o/a/os/as), pericardiac(o/a/os/as), posterobasal, laterobasal, basilar, basilares, yuxtadiafragmátic(o/a/os/as), paracardial, costofrénica, inf, inf., posterobasales, anterobasal, mediobasal, li',
  },
  named: {
    upper:
      'vértice, ápex, apex, ápice, tercio superior, cúpula pulmonar, región apical, campo superior, zona superior, zona apical',
    middle:
      'tercio medio, región hiliar, región perihiliar, campo medio, zona media, región parahiliar, zona perihiliar, tercios medios',
    lower:
      'base, base pulmonar, tercio inferior, región basal, campo inferior, zona basal, receso costofrénico, región costofrénica',
    'upper left + upper right':
      'vértices, ápices, biapical, biapicales, vértices pulmonares, ápices pulmonares, lóbulos superiores, campos superiores, zonas superiores, tercios superiores, ápex bilaterales',
    'middle left + middle right':
      'bihiliar, bihiliares, biperihiliar, campos medios, regiones perihiliares, zonas medias, regiones hiliares',
    'lower left + lower right':
      'bases, bibasal, bibasales, bases pulmonares, bibasilar, bibasilares, lóbulos inferiores, campos inferiores, zonas inferiores, regiones basales, tercios inferiores, zonas basales',
    'upper + middle': 'dos tercios superiores, 2/3 superiores, los dos tercios superiores',
    'middle + lower': 'dos tercios inferiores, 2/3 inferiores, los dos tercios inferiores',
    'upper right': 'lsd, l.s.d, csd',
    'middle right': 'lmd, l.m.d, cmd, lóbulo medio, lób medio, lob medio, lm',
    'lower right': 'lid, l.i.d, cid',
    'upper left': 'lsi, l.s.i, csi',
    'middle left': 'língula, lingular, lingulares, segmento lingular, cmi',
    'lower left':
      'lii, l.i.i, retrocardiac(o/a/os/as), retrocardíac(o/a/os/as), detrás del corazón, detrás de la silueta cardíaca, detrás de la silueta cardiaca, espacio retrocardíaco, región retrocardíaca, por detrás del corazón, detrás de la sombra cardíaca, cii, tras la silueta cardíaca, tras el corazón, tras la sombra cardíaca',
  },
  whole:
    'tod(o/a/os/as), tod(o/a/os/as) (el/la/los/las), enter(o/a), en su totalidad, totalidad, la totalidad de, la totalidad del, por completo, complet(o/a), íntegr(o/a), difusamente por, todos los lóbulos de, todos los campos de, en toda su extensión, íntegramente, globalmente, todos los campos, todos los lóbulos',
  organs: {
    one: '(los/todos los/de los/en los) tres lóbulos, tres lóbulos, base, vértice, ápex, ápice, pulmón, lóbulo, lóbulos, campo, zona, tercio, región, hemitórax, segmento, segmentos, área, parénquima pulmonar, campo pulmonar, lado, tórax, lob, lob., porción, lóbulo pulmonar, hemicampo, lobulo',
    many: 'campos, zonas, tercios, regiones, lóbulos, hemitórax bilaterales, áreas',
    all: 'pulmones, campos pulmonares, parénquimas pulmonares, parénquimas',
  },
  findings: {
    opacity:
      'opacidad, opacidades, opacificación, opacificaciones, opacificad(o/a/os/as), opac(o/a/os/as), aumento de densidad, aumentos de densidad, densidad, densidades, sombra, sombras, velamiento, velad(o/a/os/as), hiperdensidad, radiopacidad, radiopacidades, imagen densa, pulmón blanco, borramiento, radioopacidad, aumento de la densidad, velamientos, imagen radiopaca, imágenes radiopacas, hiperdensidades, imagen de aumento de densidad, ocupación del espacio aéreo, ocupación alveolar, imagen algodonosa, imagen, imágenes, ocupación, opacifica, broncograma con opacidad, opacificando, sombreado, pulmón blanco completo, opacificación en vidrio deslustrado, imágenes algodonosas, mancha, manchas, manchita',
    consolidation:
      'consolidación, consolidaciones, consolidativ(o/a/os/as), condensación, condensaciones, hepatización, foco de consolidación, focos de consolidación, foco de condensación, focos de condensación, consolidad(o), condensad(o/a), condensante, condensantes, foco consolidativo, focos consolidativos, área de consolidación, áreas de consolidación, área de condensación, foco condensativo, condensativ(o/a/os/as), áreas de condensación, foco condensante',
    infiltrate:
      'infiltrado, infiltrados, infiltración, infiltraciones, infiltrativ(o/a/os/as), infiltrada, patrón intersticial, afectación intersticial, infiltrado intersticial, infiltrados intersticiales, engrosamiento intersticial, reticulación, patrón reticular, patrón reticulonodular, infiltrados alveolares, infiltrado alveolar, intersticiopatía, engrosamiento peribronquial infeccioso, trama aumentada, refuerzo de la trama',
    'ground glass':
      'vidrio deslustrado, vidrio esmerilado, en vidrio deslustrado, en vidrio esmerilado, vidrio despulido, en vidrio despulido, ved, ggo, deslustrado, esmerilado',
    focus:
      'área afectada, áreas afectadas, recuadro, recuadros, cuadro, cuadros, foco, focos, foco neumónico, focos neumónicos',
    patch: 'parche, parches, placa de consolidación',
    lesion:
      'lesión, lesiones, masa, masas, cavidad, cavidades, cavitación, absceso, tumoración, tumor, loe, caverna, cavernas, nódulo cavitado, tumoraciones, abscesos',
    nodule: 'nódulo, nódulos, micronódulos, micronodular, micronodulares',
    atelectasis:
      'atelectasia, atelectasias, atelectásic(o/a/os/as), atelectasia laminar, atelectasias laminares',
    collapse: 'colapso, colapsad(o/a/os/as)',
    contusion: 'contusión, contusiones, contusión pulmonar, contusiones pulmonares',
    metastasis: 'metástasis, metástasis pulmonares',
    tumour: 'carcinoma, cáncer, neoplasia, carcinoma broncogénico, cáncer de pulmón',
    infection:
      'neumonía, neumonías, neumónic(o/a/os/as), infección, infecciones, bronconeumonía, bronconeumonías, bronconeumónic(o/a/os/as), nac, neumonitis, tuberculosis, tbc, tb, infeccios(o/a/os/as), inflamación, inflamatori(o/a/os/as), proceso neumónico, proceso infeccioso, covid, covid 19, aspiración, broncoaspiración, neumonia, sobreinfección, nih, foco infeccioso, focos infecciosos, proceso inflamatorio',
    change:
      'cambios, alteración, alteraciones, afectación, afectaciones, patología, anomalía, anomalías, enfermedad, cambios inflamatorios, compromiso, afectad(o/a/os/as), comprometid(o/a/os/as), enfermedad parenquimatosa, proceso parenquimatoso, compromiso parenquimatoso, compromiso alveolar, proceso, (cambios/alteraciones/lesiones) (cicatriciales/fibrosos/fibrosas/fibróticos/fibróticas/residuales/fibrocicatriciales), lesiones fibrocicatriciales, (lesión/lesiones/alteraciones/imágenes) (pleuroparenquimatosa/pleuroparenquimatosas/parenquimatosa/parenquimatosas), algo (en/en el/en la), algo, alguna cosa',
  },
  counts: {
    '1': 'únic(o/a), solitari(o/a), un solo, una sola, uno solo, aislad(o/a), unifocal, un único, una única',
    '2': 'dos, par, un par, un par de, pareja, ambos dos, dobles',
    '3': 'tres',
    '4': 'cuatro',
    '5': 'cinco',
    '6': 'seis',
    '7': 'siete',
    '8': 'ocho',
    '9': 'nueve',
    '10': 'diez',
  },
  articles: 'un, una, uno',
  another:
    'otr(o/a/os/as), otr(o/a) nuev(o/a), (el/la/los/las) de (la/el/los/las), (el/la/los/las) del, (el/la) de, un nuevo, una nueva',
  units:
    'mm, cm, milímetros, centímetros, día, días, semana, semanas, mes, meses, año, años, hora, horas, x, por, proyecciones, espacio intercostal, tercios, %, grado, estadio, h, ml, tubos, drenajes, catéteres, cables, arco, arcos, costilla, costillas, lúmenes, vértebra, cámaras, placas, arco costal',
  times: 'x, ×',
  extent: {
    focal:
      'focal, focales, localizad(a), circunscrit(o/a), únic(o/a), solitari(o/a), aislad(o/a), nodular, nodulares, pequeño foco, pequeña área, pequeña opacidad nodular, unifocal, pequeño parche, un solo, una sola, uno solo, foco único, puntual, bien circunscrit(o/a), localizad(o), redondeado único, parche único, pequeña área de, foco pequeño',
    multifocal:
      'multifocal, multifocales, múltiple, múltiples, vari(os/as), numeros(os/as), dispers(os/as), algun(os/as), vari(o/a), divers(os/as), incontables, innumerables, much(os/as), unos cuantos, unas cuantas, diseminad(os/as), unos pocos, unas pocas, salpicad(os/as), multilobar, multilobares, esparcid(os/as), sinnúmero, abundantes, en distintos focos, repartid(os/as), plurifocal, multicéntric(o/a), pocos, pocas, docena de, una docena de, decenas de',
    diffuse:
      'difus(o/a/os/as), extens(o/a/os/as), generalizad(o/a/os/as), complet(a/o), tod(o/a) (el/la) (pulmón/hemitórax), masiv(o/a/os/as), total, pulmón blanco, extensamente, globalmente, difusamente, en su totalidad, por completo, completamente, totalmente, casi total, casi completa, subtotal, global, panlobar, diseminad(o/a), totalidad, enter(o/a), íntegr(o/a), en toda su extensión, universal, extendid(o/a)',
  },
  negation: {
    before:
      'nada, nada en, nada a, ninguno, ninguna, regresión completa de, regresión completa del, reabsorción completa de, reabsorción completa del, desaparición completa de, desaparición completa del, desaparición de, desaparición del, desaparición de la, resolución de, resolución del, resolución de la, resolución completa de, resolución completa del, no, sin, sin evidencia de, no se observa, no se observan, no se aprecia, no se aprecian, no se identifican, no se identifica, no se ve, no se ven, no hay, no existe, no existen, ausencia de, no se evidencia, no se evidencian, no se visualiza, no se visualizan, ningún, ninguna, ningun(o), tampoco, ni, sin signos de, sin datos de, no se detecta, no se detectan, libre de, libres de, negativo para, no muestra, no muestran, no presenta, no presentan, descartad(o/a/os/as), se descarta, se descartan, no se objetiva, no se objetivan, no se demuestra, no se demuestran, sin imágenes de, sin imagen de, sin clara, sin claros, sin claras, sin claro, no se reconoce, no se reconocen, carece de, exent(o/a/os/as) de, no se encuentran, no se encuentra, no se aprecia claro, sin que se observe, sin que se aprecie, sin que se identifique, nada que sugiera, no contiene, no se distinguen, no se distingue, no se advierte, no se advierten, no se constata, no se constatan, no parece haber, sin hallazgos de, sin hallazgos sugestivos de, sin indicios de, no se aprecian imágenes de, no se observan imágenes de, jamás, no se registran, sin evidencias de, no hay evidencia de, no existe evidencia de, no hay signos de, no hay datos de, nada de',
    after:
      'se ha reexpandido, se han reexpandido, reexpandid(o/a), ausente, ausentes, no visible, no visibles, resuelt(o/a/os/as), ha desaparecido, han desaparecido, desaparecid(o/a/os/as), se ha resuelto, se han resuelto, descartad(o/a/os/as), no se observa, no se aprecia, no se identifica, no se ve, no se observan, no se ven, no se aprecian, no se identifican, ya no se observa, ya no se observan, ya no se aprecia, ya no se aprecian, ya no se identifica, ya no se ve, ya no se ven, no aparecen, no aparece, ya no es visible, ya no son visibles, no está presente, no están presentes, se ha (resuelto/reabsorbido), se han (resuelto/reabsorbido), se resolvió, resolvió, ha remitido, han remitido, reabsorbid(o/a/os/as), desapareció, desaparecieron, se ha aclarado, se han aclarado, aclarad(o/a/os/as), desaparece, desaparecen, resecad(o/a/os/as), extirpad(o/a/os/as), fue resecad(o/a), fue extirpad(o/a)',
    clear:
      'limpi(o/a/os/as), libre, libres, normal, normales, sin alteraciones, sin hallazgos, sin alteración, respetad(o/a/os/as), conservad(o/a/os/as), indemne, indemnes, clar(o/a/os/as), bien airead(o/a/os/as), sin infiltrados ni consolidaciones, sin anomalías, sin opacidades ni infiltrados, sin patología, sin hallazgos patológicos, sin particularidades, sin hallazgos relevantes, sin hallazgos significativos, normoventilad(o/a/os/as), bien ventilad(o/a/os/as), normoairead(o/a/os/as), sin alteraciones significativas, sin alteraciones relevantes, transparente, transparentes, normotransparente, normotransparentes, de transparencia normal, respeta, respetando, respetándose, sin lesiones, sin cambios patológicos, no afectad(o/a/os/as), no comprometid(o/a/os/as), sin afectación, sin compromiso, no presenta alteraciones, no presentan alteraciones, no muestra alteraciones, no muestran alteraciones, se respeta, se respetan, dentro de la normalidad, dentro de límites normales, san(o/a/os/as), sin patología aguda, sin enfermedad, a salvo, sin nada que reseñar, nada que destacar, sin nada reseñable, sin nada que destacar, nada reseñable, sin alteraciones parenquimatosas, preservad(o/a/os/as), sin anormalidades, bien expandid(o/a/os/as), bien airead(o/a/os/as), adecuadamente ventilad(o/a/os/as), sin alteraciones pleuroparenquimatosas, sin hallazgos de interés, sin hallazgos agudos, diáfan(o/a/os/as), despejad(o/a/os/as), sin imágenes patológicas, sin anomalías parenquimatosas, ventilad(o/a/os/as) con normalidad, respetan, que respeta, que respetan, de nuevo (normal/libre/limpia/limpio), otra vez (limpio/limpia/libre/normal), (vuelve/volvió) a estar (limpio/limpia/libre/normal), nuevamente (limpio/limpia/libre/normal), s/a, s/alt, s/alteraciones, s.a., s.p., s/part, s/p',
    pseudo:
      'sin cambios, sin cambio, sin cambios significativos, sin cambios respecto, no solo, no sólo, no únicamente, no ha cambiado, no ha mejorado, no se ha resuelto, sin mejoría, sin variación, sin variaciones, sin modificaciones, ya no está limpi(o/a), no está limpi(o/a), no están limpi(os/as), no está libre, no es normal, no resuelt(o/a/os/as), no conocid(o/a/os/as), no visible previamente, no presente en, no visible en, no presente previamente, sin mejoría significativa, sin broncograma, sin broncograma aéreo, sin cavitación, no cavitad(o/a/os/as), sin calcificación, sin calcificaciones, no ha desaparecido, no presente en estudio previo, sin pérdida de volumen, sin efecto masa, sin borrar, no se ha modificado, sin resolución, no han cambiado, no han mejorado, no resuelve, no mejora, no calcificad(o/a/os/as), no filiad(o/a), sin modificación, no existente previamente, no específic(o/a/os/as), no se aprecian cambios, no se observan cambios, no hay cambios, no se dispone de, no disponible, no disponibles, no limitad(o/a) a, sin recidiva, no recidiva, sin signos de recidiva, sin marca de lado, sin marcador de lado, (placa/radiografía/imagen/placas/radiografías) no (encontrada/encontradas/disponible/disponibles/localizada/aportada), (estudio previo/informe) no (encontrado/disponible/localizado/aportado), (placa/radiografía/imagen) extraviada, (sin/no hay) (crecimiento/aumento de tamaño/disminución/reducción/progresión/empeoramiento/aumento/regresión), no ha (crecido/disminuido/aumentado/progresado/empeorado), no (crece/aumenta/disminuye/progresa/empeora), ningún cambio',
  },
  uncertain:
    'sin poder (descartar/excluir), sin que se pueda (descartar/excluir), no se puede (descartar/excluir), no es posible (descartar/excluir), no podemos (descartar/excluir), no pudiendo (descartar/excluir), no pudiéndose (descartar/excluir), posible, posibles, posiblemente, probable, probables, probablemente, sospecha, sospecha de, sospechos(o/a/os/as), sospechos(o/a/os/as) de, sugestiv(o/a/os/as), sugestiv(o/a/os/as) de, sugiere, sugieren, sugerente, sugerentes, sugerente de, a descartar, descartar, a valorar, valorar, no se puede descartar, no puede descartarse, no se descarta, no se descartan, no descartable, no descartables, no pueden descartarse, no se pueden descartar, podría, podrían, puede, pueden, podría corresponder, puede corresponder, pudiera, pudieran, quizá, quizás, tal vez, dudos(o/a/os/as), duda, dudas, con dudas, ?, ¿, eventual, impresiona de, impresiona, impresionan, compatible con posible, plantea, plantear, presunt(o/a/os/as), presumiblemente, presumible, en probable relación, en posible relación, cabe, cabe descartar, cabría, aparente, aparentemente, parece, parecen, pb, prob, prob., pble, dd, diagnóstico diferencial, versus, vs, vs., frente a, a confirmar, por confirmar, considerar, a considerar, hay que descartar, obliga a descartar, obliga a considerar, no es descartable, no es posible descartar, no excluye, no se excluye, no se excluyen, no puede excluirse, no se puede excluir, no excluible, hipótesis, hacen pensar en, hace pensar en, que hagan sospechar, hace sospechar, hacen sospechar, indicativ(o/a) de posible, cuestionable, cuestionables, en estudio, indeterminad(o/a), sospecho, sospechamos, sospechar, orienta a, orientan a, orientativ(o/a) de, verosímil, equívoc(o/a), debe descartarse, deben descartarse, por descartar, obligado descartar, recomendable descartar, preocupante, preocupante por, inciert(o/a), se sospecha, se plantea, más probablemente, con probabilidad, de probable, probabilidad, posibilidad de, posibilidad, susceptible de, a filiar',
  corrections:
    'corrijo, corrección, perdón, quiero decir, mejor dicho, rectifico, rectificación, digo, me corrijo, quise decir',
  conclusions:
    'conclusión, conclusiones, en conclusión, impresión, impresión diagnóstica, en resumen, resumen, juicio diagnóstico',
  sources: 'según, en el informe, en la petición, en la solicitud, en el volante',
  underlying: 'subyacente, subyacentes',
  undecided:
    'no se puede (precisar/determinar/saber/decir/definir/aclarar) (cuál/qué lado/el lado/de qué lado/la lateralidad/en qué lado), no es posible (precisar/determinar/saber) (cuál/qué lado/el lado/la lateralidad), imposible (precisar/determinar/saber) (cuál/el lado/la lateralidad), cuál de (los/las) dos, puede ser de cualquier lado, podría ser (cualquiera de los dos lados/de cualquier lado), cualquiera de los dos lados, qué lado, cuál lado, lado (dudoso/incierto/desconocido), lateralidad (dudosa/incierta/desconocida), no se (distingue/reconoce/ve/identifica/aprecia) (el lado/de qué lado/qué lado/en qué lado), lado no (identificable/determinable/reconocible/claro), lado indeterminado, no puede (determinarse/precisarse/establecerse) (el lado/la lateralidad), lado imposible de (determinar/precisar/establecer), no está claro (el lado/en qué lado/de qué lado), ilegible, no legible, no se lee',
  means:
    '(puede/pueden/podría/podrían/pudiera/pudieran) (representar/corresponder/corresponder a/ser/deberse a/tratarse de/), que representa, que representan, representa, representan, corresponde a, corresponden a, que corresponde a, compatible con, compatibles con, en relación con, sugestiv(o/a/os/as) de, sugiere, sugieren, que sugiere, que sugieren, debido a, secundari(o/a) a',
  pronouns: 'esto, esta, este, estas, estos, ello, dicha, dicho, dichas, dichos',
  now: 'ahora, actualmente, hoy, de nuevo (limpi/normal/libre/limpia/limpio), otra vez (limpio/limpia/libre/normal), (vuelve/volvió) a estar (limpio/limpia/libre/normal), nuevamente (limpio/limpia/libre/normal)',
  perhaps: 'posiblemente, probablemente, quizá, quizás, tal vez, presumiblemente, más probablemente, ?, ¿',
  spoken: {
    comma: 'coma',
    colon: 'dos puntos',
    stop: 'punto y coma, punto y aparte, punto y seguido, punto final, nueva línea',
  },
  ends: {
    but: 'pero, sin embargo, aunque, mientras, mientras que, en cambio, no obstante, sino, por el contrario, a diferencia, a pesar de, pese a, si bien',
    begin:
      'hay, existe, existen, se observa, se observan, se aprecia, se aprecian, se identifica, se identifican, se visualiza, se visualizan, aparece, aparecen, destaca, destacan, se ve, se ven, persiste, persisten, se evidencia, se evidencian',
    except:
      'excepto, salvo, a excepción de, con excepción de, exceptuando, con la excepción de, aparte de, a excepción del, excepto por, salvo por',
  },
  foreign: ES_FOREIGN,
  landmarks: ES_LANDMARKS,
  nearby:
    'cicatriz, cicatrices, fibrosis, bronquiectasias, bronquiectasia, enfisema, granuloma, pérdida de volumen',
  natures:
    'atelectasia, atelectasias, colapso, edema, edema pulmonar, cicatriz, fibrosis, contusión, hemorragia, infarto, metástasis, carcinoma, cáncer, neoplasia, sarcoidosis, granuloma, insuficiencia cardíaca, insuficiencia cardiaca, derrame, congestión, embolia, tep, (tb/tbc/tuberculosis) (antigua/residual/previa/cicatricial), secuelas de tuberculosis',
  joins: {
    and: 'y, e, así como, además, &, +, junto con, junto a, también, sino también, y también, mayor que, más que, y en menor medida, en menor medida, que se extiende a, se extiende a, extendiéndose a, con extensión a, menos, y en menor grado, en menor grado, con extensión hacia, >, tanto, como en, igual que, al igual que, además de, que se extiende al, se extiende al, extendiéndose al, mayor en',
    more: 'mayor que, más que, menos que, >, <, >>',
    or: 'o, u, y/o, o bien, ni, versus',
    range: 'a, hasta, al, hacia, -, →',
    namely: 'es decir, a saber, concretamente, esto es, o sea, en concreto',
  },
  links:
    'en, en el, en la, en los, en las, del, de la, de, de los, de las, el, la, los, las, sobre, a nivel de, a nivel del, dentro del, dentro de, que ocupa, ocupa, ocupan, ocupando, que afecta, afecta, afectan, afectando, afecta a, que afecta a, que afecta al, afecta al, localizad(o/a/os/as) en, situad(o/a/os/as) en, ubicad(o/a/os/as) en, de localización, predominantemente, de predominio, con predominio, con predominio en, de distribución, predominio, a la, al, por, hacia, en situación, confinad(o/a/os/as) a, limitad(o/a/os/as) a, limitad(o/a/os/as) al, proyectad(o/a/os/as) sobre, proyectad(o/a/os/as) en, para, entre, cerca de, cerca del, junto al, involucra, compromete, comprometen, abarca, abarcando, abarcan, cubre, que abarca, interesa, interesando, centrad(o/a/os/as) en, confinad(o/a) al, que compromete, comprometiendo, llena, rellena, recorre, asienta en, asientan en, algo (en/en el/en la)',
  only: 'solo, sólo, solamente, únicamente, exclusivamente, limitado a, limitada a, confinado a',
  located: 'situad(o/a/os/as) en, localizad(o/a/os/as) en, ubicad(o/a/os/as) en',
  inside: 'de, del, de la, de los, de las, en, en el, en la, en los, en las',
  with: 'con, asociad(o/a/os/as) a, acompañad(o/a/os/as) de, que asocia, asocia, muestra, muestran, presenta, presentan, contiene, debido a, secundari(o/a) a, más, que muestra, que muestran, que presenta, objetivándose, por, tras, después de',
  residual:
    'resto, el resto, resto de, resto del, resto de los, el resto del, el resto de, por lo demás, restante, restantes, demás, en el resto, otras, otros, los demás, las demás, otra, otro, en otras localizaciones, ningún otro, ninguna otra, no nuevas, no nuevos, sin nuevas, sin nuevos, no otras, no otros',
  history:
    'antecedente, antecedentes, antecedentes de, motivo, motivo de consulta, clínica, indicación, juicio clínico, datos clínicos, información clínica, neumectomía, neumonectomía, que estaba (consolidad/consolidada/consolidado/opaca/opaco/afectada/afectado/infiltrada/infiltrado/condensada/condensado/colapsada/colapsado), que (había estado/estuvo) (consolidada/consolidado/opaca/opaco/afectada/afectado/infiltrada/infiltrado/condensada/condensado), previamente (consolidada/consolidado/opaca/opaco/afectada/afectado/infiltrada/infiltrado/condensada/condensado), antes (consolidada/consolidado/opaca/opaco/afectada/afectado/condensada/condensado)',
  auxiliaries: 'ha, han, se ha, se han, está, están, es, son, fue, ha sido, han sido',
  purpose: 'para (descartar/excluir/valorar/confirmar/ver/evaluar), con el fin de descartar',
  foreignEnds: 'ectomia, otomia, ostomia, plastia, scopia, paresia, plejia, algia, megalia',
  titles: 'sr, sra, srta, don, doña, dra, dr, d, dña, señor, señora, doctor, doctora',
  filler: ES_FILLER,
  harmless: 'mente',
};
