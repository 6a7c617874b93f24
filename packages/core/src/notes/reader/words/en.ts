/** English of chest radiographs, British and American, with the abbreviations of dictation. */
import type { LanguageInput } from '../vocabulary-shape.js';
import { EN_FILLER } from './en-filler.js';
import { EN_FOREIGN, EN_LANDMARKS } from './en-foreign.js';

export const EN: LanguageInput = {
  places: 'before',
  sides: {
    left: [
      'left, lft, lefts, left sided, leftsided, left side, left hand side, lhs, l, lt, l sided, lt sided, l side, leftward',
    ],
    right: [
      '(all three/all 3) right lobes, right, rht, rgt, rights, right sided, rightsided, right side, right hand side, rhs, r, rt, r sided, rt sided, r side, rightward',
    ],
    both: '(all/in all/of all/involving all/affecting all/across all) (five/5) lobes, (all/in all/of all/involving all/affecting all/across all) (six/6) zones, both, both sides, bilateral, bilaterally, bilat, bilat., b/l, bl, bi lateral, (either/on either/each/neither) (side/lung/hemithorax/lung field/lobe), two sided, both right and left, both left and right, left and right sided, bipulmonary',
    one: 'one side, one lung, one base, one apex, one lower lobe, one upper lobe, one of the, one of both, one or other, one or the other, unilateral, unilaterally, one sided, single sided, one lower zone, one upper zone, one mid zone, one midzone, one lung base, one lung field, one hemithorax, one lung apex, on one side',
    opposite: 'contralateral, opposite lung, contralaterally, other side, the other lung, opposite side',
    same: 'ipsilateral, same side, same lung, ipsilaterally, that lung, that side',
  },
  zones: {
    upper:
      'upper, uppermost, top, apical, superior, suprahilar, supra hilar, subclavicular, infraclavicular, infra clavicular, sub clavicular, apicoposterior, subapical, uz, u/z, ul',
    middle:
      'mid zones, midzones, middle, mid, perihilar, peri hilar, parahilar, para hilar, hilar, juxtahilar, midlung, mid lung, midzonal, mz, m/z',
    lower:
      'lower, lowermost, basal, basilar, bottom, inferior, infrahilar, infra hilar, supradiaphragmatic, supra diaphragmatic, paracardiac, para cardiac, pericardiac, basally, posterobasal, laterobasal, anterobasal, juxtadiaphragmatic, costophrenic region, costophrenic zone, costophrenic recess region, cardiophrenic, cardiophrenic region, lz, l/z, ll',
  },
  named: {
    upper:
      'apex, apico, suprahilar region, infraclavicular region, subclavicular region, apical region, upper third, top third, apical segment, apical segments, thoracic inlet region',
    middle:
      'midzone, mid zone, hilar region, perihilar region, parahilar region, middle third, mid third, hilar area, perihilar area, region of the hilum, region of the (left/right) hilum',
    lower:
      'base, basis, lower third, bottom third, costophrenic region, basal segment, basal segments, lung base',
    'upper left + upper right':
      '(either/each/neither) (apex/upper zone/upper lobe), apices, biapical, bi apical, biapically, both apices, lung apices, apexes, uzs, uls, upper lobes bilaterally',
    'middle left + middle right':
      '(either/each/neither) (mid zone/midzone/perihilar region), hila region, perihila, bi hilar, bihilar, hilar regions, perihilar regions, perihilar zones, mzs',
    'lower left + lower right':
      '(either/each/neither) (base/lower zone/lower lobe/lung base), bases, bibasilar, bibasal, bi basal, bi basilar, bibasally, bibasilarly, lung bases, both bases, costophrenic regions, lzs, lls, both costophrenic recesses',
    'upper + middle':
      'upper two thirds, upper 2/3, upper two third, upper half to two thirds, top two thirds',
    'middle + lower': 'lower two thirds, lower 2/3, lower two third, bottom two thirds',
    'upper right': 'rul, ruz, r.u.l, rt upper lobe',
    'middle right':
      '(adjacent to/next to/near/around/abutting/beside/at/lateral to/arising from) the right hilum, rml, rmz, r.m.l, azygo-oesophageal region, middle lobe, middle lobe of the right lung, r ml, rt ml',
    'lower right':
      'apical segment of the right lower lobe, superior segment of the right lower lobe, rll, rlz, r.l.l, right cardiophrenic region, (in/at/near/over/above) (the right/right/r/rt) (cp angle/costophrenic angle/costophrenic sulcus)',
    'upper left': 'lul, luz, l.u.l',
    'middle left':
      '(adjacent to/next to/near/around/abutting/beside/at/lateral to/arising from) the left hilum, lingula, lingular, lmz, lingular segment, lingular segments, lingular division',
    'lower left':
      'apical segment of the left lower lobe, superior segment of the left lower lobe, lll, llz, l.l.l, retrocardiac, retro cardiac, retrocardiac region, retrocardiac area, retrocardiac space, behind the heart, behind heart, behind the cardiac shadow, behind the cardiac silhouette, (in/at/near/over/above) (the left/left/l/lt) (cp angle/costophrenic angle/costophrenic sulcus)',
  },
  whole:
    'whole, entire, entirety, throughout, everywhere in, everywhere, all, all of, all zones, all zones of, all lobes, all lobes of, complete, total, the whole of, whole of, the entirety of, diffusely throughout, all over',
  organs: {
    one: 'base, apex, midzone, mid zone, lingula, lung base, lung, lobe, zone, field, third, region, area, (in/of/at/involving/affecting) (all three/all 3) (lobes/zones), (all three/all 3) (lobes/zones), segment, segments, hemithorax, hemi thorax, pulmonary zone, lung field, lung zone, lung parenchyma, pulmonary parenchyma, sided lung, chest, thorax, perihilum, hemi chest',
    many: 'mid zones, midzones, lobes, zones, fields, regions, areas, thirds, hemithoraces, lung zones',
    all: 'lungs, lung fields, pulmonary fields, lungfields, both lung fields, lung parenchyma bilaterally, (lungs/lung fields/fields) r',
  },
  findings: {
    opacity:
      'double (density/shadow), opacity, opacities, opacification, opacifications, opacified, opacifies, opacify, density, densities, opaque, shadow, shadows, shadowing, shadowings, haze, haziness, hazy, whiteout, white out, whited out, veiling, opac, air space opacity, air space opacities, airspace opacity, opaqueness, blob, blobs, smudge, smudges, smear, blotch, blotches, splotch, spots, dot, dots, speck, specks, lump, lumps',
    consolidation:
      'consolidation, consolidations, consolidated, consolidative, consolidating, consolidate, air space disease, airspace disease, air space shadowing, airspace shadowing, air space process, airspace process, air space opacification, airspace opacification, hepatisation, hepatization, consol, air space filling, airspace filling, air space change, airspace change, air space changes, airspace changes, asd, consolid, consolid., consolidn, airspace dz, air space dz, lung dz',
    infiltrate:
      'infiltrate, infiltrates, infiltration, infiltrations, infiltrated, infiltrating, infiltrative, reticular change, interstitial markings increased, interstitial change, interstitial changes, interstitial opacity, interstitial opacities, reticulation, reticulations, reticular markings, increased markings, increased lung markings, increased bronchovascular markings, increased interstitial markings, interstitial thickening, interstitial prominence, septal thickening',
    'ground glass':
      'ground glass, groundglass, ggo, ggos, ground glass opacity, ground glass opacities, ground glass opacification, ground glass change, ground glass changes, ground glass density, gg, ground glass shadowing, ground glass attenuation',
    focus: 'boxes, bounding boxes, rois, bboxes, focus, foci, hot spot',
    patch: 'patch, patches, area of patchiness, patchy area, patchy areas, patchy region, patchy regions',
    lesion:
      'lesion, lesions, mass, masses, cavity, cavities, cavitation, cavitary lesion, cavitating lesion, tumour, tumor, coin lesion, coin lesions, sol, mass like lesion, abscess, abscesses',
    nodule: 'nodule, nodules, micronodules, nodularity, nodulation',
    atelectasis:
      'atelectasis, atelectases, atelectatic, plate atelectasis, linear atelectasis, band atelectasis, subsegmental atelectasis',
    collapse: 'collapse, collapsed',
    contusion: 'contusion, contusions, lung contusion, pulmonary contusion, pulmonary contusions',
    metastasis:
      'metastases, metastasis, mets, lung mets, lung metastases, pulmonary metastases, pulmonary mets, lung metastasis, metastatic deposit, metastatic deposits, deposits, met, lung met',
    tumour:
      'malignancy, neoplasm, carcinoma, cancer, lung cancer, lung ca, lung carcinoma, bronchogenic carcinoma, bronchogenic ca, bronchial carcinoma, adenocarcinoma',
    infection:
      'infection, infections, infected, pneumonia, pneumonias, pneumonic, pna, pneumonitis, bronchopneumonia, broncho pneumonia, pneumoniae, lrti, cap, covid pneumonia, infective, infectious, inflammation, inflammatory, inflamed, bronchopneumonic, sepsis, superinfection, tuberculosis, tb, koch s, koch, kochs, aspiration pneumonia, aspiration pneumonitis, lobar pneumonia, covid, covid 19, covid19, consolidation/pneumonia, chest infection, pulmonary infection, aspiration, ptb',
    change:
      'change, changes, abnormality, abnormalities, abnormal, disease, process, pathology, involvement, involved, affected, affecting disease, finding in the lung, active lesion, active parenchymal lesion, active lung lesion, parenchymal abnormality, air space abnormality, airspace abnormality, parenchymal lesion, parenchymal disease, parenchymal change, parenchymal changes, acute process, acute cardiopulmonary process, acute cardiopulmonary disease, acute cardiopulmonary abnormality, acute pulmonary process, active disease, active lung disease, active pulmonary disease, acute disease, cardiopulmonary disease, interstitial disease, interstitial process, lung disease, pulmonary disease, diseased, spread, seat of, (fibrotic/scarring/cicatricial/fibrous/bronchiectatic/fibroatelectatic) (change/changes/lesion/lesions), fibro atelectatic changes, fibronodular changes, fibronodular lesions, dz, ild, ild changes, ild change, something, sth, smth',
  },
  counts: {
    '1': 'one, single, solitary, a single, a solitary, unifocal, one single, sole, lone, only one, isolated single',
    '2': 'two, couple, a couple, a couple of, couple of, pair, a pair, a pair of, pair of, twin, double, bifocal, paired, both of two',
    '3': 'three, trio, triple, a trio of, three separate',
    '4': 'four',
    '5': 'five',
    '6': 'six, half a dozen',
    '7': 'seven',
    '8': 'eight',
    '9': 'nine',
    '10': 'ten',
  },
  articles: 'a, an',
  another:
    'another, another one, a new one, a second one, a further one, the one, the ones, that (in/at/on/of) the, those (in/at/on/of) the, that (in/at/on/of), those (in/at/on/of)',
  units:
    'january, february, march, april, may, june, july, august, september, october, november, december, jan, feb, mar, apr, jun, jul, aug, sept, oct, nov, dec, mm, cm, millimetre, millimetres, millimeter, millimeters, centimetre, centimetres, cms, by, day, days, week, weeks, month, months, year, years, hour, hours, hrs, th, st, nd, rd, level, ml, am, pm, percent, %, view, views, intercostal space, interspace, rib space, series, image, stage, grade, drains, drain, lines, tubes, ribs, thirds, films, film, examinations, projections, old, yo, weeks ago, lead, chambers',
  times: 'x, ×',
  extent: {
    focal:
      'focal, focally, localised, localized, localising, circumscribed, well circumscribed, small patch, tiny patch, small patch of, small focal, discrete, nodular, solitary, single, isolated, unifocal, small area, a small area of, segmental focus, small focus, tiny focus, rounded focus, nodular focus, coin, coin lesion, well defined nodule, one discrete, confined focus, pocket of',
    multifocal:
      'peppered with, peppered, studded with, studded, dotted with, scattered over, dotted over, dotted through, peppering, distributed over several, multifocal, multi focal, multiple, several, numerous, a few, few, scattered, many, multi lobar patches, innumerable, various, multiplicity of, a number of, countless, a handful of, handful of, scattering, several separate, a scatter of, patches, widespread patches, multicentric, sundry, disseminated foci, dotted, too many to count, uncountable, too numerous to count, a dozen, dozens of, plenty of, lots of, a lot of',
    diffuse:
      'diffuse, diffusely, widespread, extensive, extensively, throughout, global, globally, whiteout, white out, complete white out, whited out, total, complete opacification, completely opacified, complete, everywhere, entire, whole, generalised, generalized, near complete, near total, total opacification, subtotal, disseminated, all zones, pan lobar, universal, (entirely/wholly/completely/totally) (opacified/consolidated/opaque/infiltrated/white/whited out/replaced)',
  },
  negation: {
    before:
      'none, nothing, nothing on, nothing in, nothing at, complete regression of, regression complete of, resolution of, complete resolution of, full resolution of, clearance of, complete clearance of, disappearance of, complete clearing of, no e/o, no ev of, no evid of, no new, no further, no additional, no, without, no evidence of, no evidence for, no sign of, no signs of, w/o, free of, free from, absence of, negative for, not any, devoid of, lacks, lacking, no convincing, no definite, no obvious, no focal, no evidence to suggest, nothing to suggest, nothing suggestive of, nothing to indicate, no features of, no features to suggest, nil, neither, nor, none of, no significant, no suspicious, no discrete, no visible, no appreciable, no demonstrable, no acute, no active, no residual, no large, no frank, no overt, no clear, no radiographic evidence of, no radiological evidence of, no plain film evidence of, does not show, do not show, does not contain, do not contain, doesn t show, not show, shows no, is no, not, never, neg for, fails to show, fail to show, failed to show, cannot see, can t see, i see no, exclude any, excludes, have no, has no, rules out, ruled out, argues against, zero, non, no longer shows, neither (side/lung/hemithorax/lung field/lobe/apex/upper zone/upper lobe/mid zone/midzone/perihilar region/base/lower zone/lower lobe/lung base), nothing, none, cleared of, clear of, clear from, spared of, spared from, spared by, no longer any, there are no longer any, no discernible, no identifiable, no detectable, no recognisable, unaffected by, unremarkable for, no indication of, no suggestion of, no trace of, no hint of, nil evidence of, not demonstrate, does not demonstrate, do not demonstrate, no lung, minus, no abnormal',
    after:
      '(has/have) (fully/completely/now/since/now fully/since fully) (re expanded/reexpanded/resolved/cleared), (has/have) (re expanded/reexpanded), (now/fully/completely/since) (re expanded/reexpanded), negative, neg, (is/are/was) no longer (seen/visible/present/evident/demonstrated/identified/apparent/detectable), (is/are) no longer there, (is/are) not (present/evident/apparent/detected/demonstrated/identified/found/shown), not seen, is not seen, are not seen, not identified, not demonstrated, not visible, not visualised, not visualized, not present, absent, is absent, are absent, absent from, has resolved, have resolved, resolved, has cleared, have cleared, excluded, is excluded, ruled out, has gone, have gone, gone, has disappeared, have disappeared, disappeared, not evident, not apparent, not detected, not found, no longer seen, no longer visible, no longer present, no longer evident, no longer demonstrated, no longer identified, none seen, nil seen, not noted, not shown, not appreciated, not observed, vanished, has vanished, have vanished, completely resolved, has completely resolved, fully resolved, not detectable, can be excluded, not to be seen, does not extend to, not extending to, does not involve, not involving, does not reach, cleared, now cleared, (completely/fully/entirely/totally) (cleared/gone/regressed), all gone, cleared up, has cleared up, dissipated, has dissipated, have dissipated, regressed completely, resolved completely, resolved fully, cleared completely, no longer there, not there any more, is no more, not there anymore, (has been/have been/was/were/since/now/previously) (resected/excised/removed surgically), resected, excised, surgically removed, surgically excised',
    clear:
      'clear, clears, unremarkable, normal, clear and expanded, within normal limits, wnl, spared, sparing, spares, spare, uninvolved, unaffected, not involved, not affected, free, nad, no abnormality, no abnormality detected, no abnormalities, no focal abnormality, no abnormality seen, clean, re aerated, reaerated, well aerated, normally aerated, aerated normally, lucent, normal in appearance, appears normal, appear normal, translucent, no acute abnormality, healthy, intact lung, unaffected, no acute findings, no acute finding, no significant abnormality, grossly clear, essentially clear, disease free, no parenchymal abnormality, no disease, not remarkable, looks fine, shows nothing, show nothing, nothing focal, nothing acute, normally ventilated, well ventilated, fully aerated, fully expanded and clear, bright and clear, is ok, are ok, ok, no issue, no active disease, escapes, escaped, escape, exempt, preserved, untouched, nothing abnormal, no pathology, clr, unclouded, unscathed, without abnormality, no (significant/acute/relevant/positive/abnormal) (chest findings/findings/chest finding), no chest findings, pristine, unblemished, nil acute, nil acute seen, nothing acute seen, nil focal, (clear/normal/aerated) again, again (clear/normal/aerated), back to normal, once again (clear/normal), once more (clear/normal), unremark, unremark., norm, nl, no sig abnormality',
    pseudo:
      '(likely/probably/possibly/presumably/most likely) (unchanged/not changed/stable/similar/improved/improving/worse/worsening/larger/smaller/increased/decreased), no change in, no change, no changes, no interval change, no interval change in, no significant change, no significant interval change, no significant change in, unchanged, not only, not just, not merely, not changed, no improvement, no improvement in, no significant improvement, has not changed, have not changed, has not resolved, have not resolved, has not cleared, have not cleared, not cleared, not resolved, not yet resolved, not yet cleared, not improved, has not improved, have not improved, no progress, no progression, no longer clear, not clear, is not clear, are not clear, not normal, no resolution, no resolution of, no regression, no regression of, not significantly changed, no better, no worse, no doubt, without change, without significant change, without interval change, without improvement, not entirely clear, not completely clear, not completely resolved, not fully resolved, no further change, not included, not calcified, none calcified, neither of them calcified, not cavitating, no cavitation, without cavitation, no calcification, without calcification, no air bronchograms, no air bronchogram, without air bronchogram, without air bronchograms, no mass effect, without mass effect, no volume loss, without volume loss, no loss of volume, without loss of volume, not previously seen, not seen previously, not present previously, not present before, not present on, not seen on the previous, not seen on the prior, not seen on prior, not there before, not there yesterday, not seen before, not visible before, not visible yesterday, no increase, without increase, no decrease, nothing else, nothing new, no others, no further comment, no comparison, no previous, no prior, no prior films, no old films, no relevant history, no history, no lateral, no longer confined to, not confined to, not limited to, not restricted to, unresolved, failed to clear, failure to clear, failed to resolve, not confluent, non resolving, nonresolving, not well seen, not well defined, not sharply defined, non specific, nonspecific, non homogenous, nonhomogenous, non homogeneous, nonhomogeneous, not unlike, not significantly different, no different, no more extensive, not obscured, not obscuring, no side marker, no side markers, without side marker, no recurrence, (film/films/image/images/prior films/previous films/old films/report) not (found/available/retrieved/located/received/provided/to hand), (film/films/image/images) (is/are/could) not (found/available/be found/be located), no (reduction/decrease/increase/shrinkage/growth/enlargement/clearing) (in/of/in size of/in size/), no (clearance/improvement/progression/regression/extension/worsening) (in/of/in size of/in size/), no interval (reduction/decrease/increase/growth/enlargement/clearing/improvement/progression/resolution/worsening), no (significant/appreciable) (reduction/decrease/increase/growth/enlargement/clearing/improvement/progression/worsening) (in/of/), without (reduction/growth/progression/enlargement/clearing/regression/worsening), poorly aerated, poorly ventilated, less well aerated, not well aerated, not aerated, not fully aerated',
  },
  uncertain:
    'cannot r/o, can t r/o, cant r/o, cant rule out, cant exclude, cannot confidently exclude, unable to exclude, unable to r/o, unable to rule out, possible, possibly, probable, probably, likely, unlikely to be anything but, suspected, suspect, suspicious, suspicious for, suspicion, suspicion of, suspicious of, cannot exclude, can t exclude, cannot be excluded, can t be excluded, can not be excluded, can not exclude, cannot be ruled out, can not be ruled out, cannot rule out, can t rule out, not excluded, is not excluded, are not excluded, could not be excluded, not ruled out, difficult to exclude, hard to exclude, not be excluded, may be, may represent, might be, might represent, could be, could represent, may reflect, could reflect, might reflect, may indicate, may well represent, may well be, would be compatible with, may relate, may be due to, may be related to, may, might, could, ?, query, queried, questionable, question, question of, questioned, concerning for, concern for, concern, concerning, worrisome for, worrisome, worrying for, suggestive of, suggestive, suggesting, suggest pneumonia, suggests, raises the possibility of, raise the possibility of, raising the possibility of, possibility of, the possibility of, possibility, presumably, presumed, presumptive, apparent, perhaps, maybe, versus, vs, v, vs., equivocal, indeterminate, doubtful, differential, differential includes, ddx, dd, in all likelihood, likelihood, favoured, favored, favour, favor, favouring, favoring, rule out, r/o, to rule out, conceivably, potentially, potential, uncertain, unsure, not certain, appears to be, seems to be, seems, thought to be, felt to represent, felt to be, thought to represent, believed to be, is there, hint of, a hint of, hint, tentative, impression of, debatable, arguable, arguably, borderline for, most likely, in keeping with possible, would fit, would favour, would be consistent, plausibly, plausible, poss, prob, ?early, not convincingly excluded, susp, suspicions, hinting at, to be excluded, needs excluding, warrants exclusion of, should be excluded, needs to be excluded, not sure, not convinced, not entirely sure, cld be, cld, wld be, mght be, poss., prob., ?poss, presum, prsumably',
  corrections:
    'correction, i mean, i meant, scratch that, no sorry, sorry, make that, delete that, corrected to, should read, no wait, wait no, oops, strike that, or rather, i stand corrected, amend, amended to',
  conclusions:
    'impression, in conclusion, conclusion, conclusions, summary, in summary, to summarise, to summarize, opinion, imp., imp, conc',
  sources: 'according to, per, as per',
  underlying: 'underlying, subjacent, (underlying/subjacent) lung',
  undecided:
    '(could/may/might/can) be (either side/on either side/either lung/in either lung/either base/at either base/either one/from either side), either side (possible/is possible), (cannot/can t/cant/unable to/not possible to/impossible to/difficult to/hard to) (tell/say/determine/decide/be sure) which, (which/what) is (right/correct), which of (these/them), (which/unclear/uncertain/unknown) side, side (unclear/uncertain/unknown/undetermined/to be confirmed/tbc), side is (unclear/uncertain/unknown), side not (clear/known), laterality (unclear/uncertain/unknown/to be confirmed), laterality not (clear/known), laterality is (unclear/uncertain), which lung, which base, which apex, sides contradict, sides disagree, sides do not match, sides don t match, not decipherable, undecipherable, not legible, illegible, cannot be determined, can t be determined, not determinable, impossible to determine, certain which, which of the two, which one, possible to be certain which, check side, please check side, confirm side, please confirm side, ? which, (marker/label/side marker/film marker) says, side cannot be (made out/determined/told/identified/established/ascertained/confirmed/decided/discerned), (cannot/can t/cant/could not) (make out/identify/establish/determine/tell) (the side/side/which side), side (is/was) not (identifiable/determinable/clear/known), side indeterminate, true side unknown, side could not be (determined/established/identified), side undeterminable',
  means:
    '(may/might/could/would/can) (represent/reflect/be/indicate/suggest), (may/might/could) (well/also/possibly) (represent/reflect/be), (may/might/could) be (due to/related to), represents, represent, representing, reflects, reflect, reflecting, indicates, indicate, indicating, consistent with, is consistent with, are consistent with, would be consistent with, compatible with, would be compatible with, in keeping with, c/w, suggesting, suggests, suggest, suggestive of, indicative of, diagnostic of, typical of, characteristic of, due to, secondary to, thought to represent, felt to represent, thought to be, felt to be, probably represents, probably represent, likely represents, likely represent, most likely represents, most likely represent, appears to be, appear to be, seems to be, seem to be, is likely, are likely, is probably, are probably, is most likely, are most likely',
  pronouns:
    'it, this, these, they, both of these, these findings, the findings, the appearances, this appearance, appearances',
  now: 'now, now seen, now located, today, currently, presently, at present, this time, (clear/normal/aerated) again, again (clear/normal/aerated), back to normal, once again (clear/normal), once more (clear/normal)',
  perhaps: 'possibly, probably, presumably, perhaps, maybe, likely, most likely, conceivably, potentially, ?',
  spoken: {
    comma: 'comma, open bracket, close bracket, open parenthesis, close parenthesis',
    colon: 'colon',
    stop: 'full stop, fullstop, stop, period, semicolon, semi colon, new line, newline, next line, new paragraph, next paragraph, new sentence',
  },
  ends: {
    but: 'but, however, although, though, albeit, whereas, while, whilst, yet, nevertheless, nonetheless, in contrast, by contrast, conversely, on the other hand, instead, meanwhile, despite, in spite of, even though, even if',
    begin:
      'there is, there are, there s, there was, there were, there remains, there persists, there remain, where, i see, note is made of, now shows, is present, are present, is seen, are seen',
    except:
      'except, except for, apart from, aside from, other than, save for, with the exception of, excepting, excluding, bar, barring, save, but for, with exception of, exception',
  },
  foreign: EN_FOREIGN,
  landmarks: EN_LANDMARKS,
  nearby:
    'scar, scars, scarring, fibrosis, bronchiectasis, bronchiectatic, emphysema, bulla, bullae, volume loss, granuloma, calcification',
  natures:
    'atelectasis, atelectases, atelectatic, collapse, oedema, edema, pulmonary oedema, pulmonary edema, scar, scarring, fibrosis, contusion, haemorrhage, hemorrhage, infarct, infarction, metastases, metastasis, metastatic, malignancy, neoplasm, carcinoma, cancer, sarcoid, sarcoidosis, granuloma, fluid, effusion, congestion, pleural thickening, nipple shadow, tumour, (old/previous/prior/healed/treated/past) (tb/ptb/koch s/kochs/tuberculosis/granulomatous disease/infection/pneumonia)',
  joins: {
    and: 'and, adn, &, +, as well as, also, plus, and also, but also, but also at, together with, along with, and/or not, and to a lesser extent, to a lesser extent, and to a lesser degree, to a lesser degree, more than, greater than, worse than, less than, >, <, extending into, extends into, extending to involve, spreading into, spreading to, spilling into, spills into, spill over into, and extending into, extending to, extends to, additionally, in addition to, both in, then, more so than, rather more than, likewise, similarly, followed by, encroaching on, crossing into, reaching, reaching into, reaches, reaches into, n',
    more: 'more than, greater than, worse than, less than, more so than, rather more than, >, <, >>, <<',
    or: 'or, nor, and/or, alternatively, either or, versus, vs, vs.',
    range:
      'to, through, thru, through to, down to, up to, into, until, from top to bottom, to the level of, -, →',
    namely:
      'namely, i.e., ie, i.e, that is, specifically, in other words, viz, viz., precisely, to be precise, more precisely',
  },
  links:
    'inthe, onthe, atthe, ofthe, tothe, in, at, on, of, within, involving, involves, involve, occupying, occupies, occupy, affecting, affects, affect, over, overlying, overlies, overlie, fills, filling, fill, into, inside, across, along, around, near, next to, adjacent to, beneath, under, below, above, throughout, through, located in, located at, located within, situated in, situated at, lies in, lie in, lies at, lie at, lying in, lying at, confined to, limited to, restricted to, localised to, localized to, centred on, centered on, centred in, centered in, projected over, projecting over, projects over, seen in, seen at, seen on, noted in, noted at, noted on, present in, present at, present on, visible in, visible at, visible on, from, for, toward, towards, to, projected on, tucked into, taking in, covering, covers, cover, replacing, replaces, replace, about, by, extends throughout, distributed over, scattered over, predominantly in, mainly in, mostly in, predominantly at, mainly at, especially in, particularly in, especially at, particularly at, worse in, worse at, worst in, worst at, most marked in, most marked at, most pronounced in, most pronounced at, maximal in, maximal at, more marked in, more marked at, more pronounced in, more pronounced at, greatest in, greatest at, largely in, more in, engulfing, engulfs, spanning, spans, hugging, obliterating, opacifying, encompassing, encompasses, up in, down at, up at, down in, site in, sits in, sits at, sit in, sit at, sitting in, sitting at, behind, clustered in, clustered at, grouped in, dotted over, dotted through, peppering, straddling, straddles, beside, against, dominating, dominates, amid, upon, onto, invading, invades, harboured in, harboured by, housed in, seated in, involvement of, extension to, spread to, extension into, superimposed on, superimposed over, had (involved/affected/filled/occupied/filled all of/occupied all of/involved all of), filled, occupied',
  only: 'only, alone, exclusively, solely, just, confined to, limited to, restricted to',
  located: 'located in, located at, located within, situated in, situated at, located',
  inside: 'of, in, within, involving, affecting, from',
  with: 'with, w/, to accompany, accompanying, to explain, to account for, accompanied by, associated with, containing, contains, contain, showing, shows, show, demonstrates, demonstrate, demonstrating, has, have, having, alongside, exhibits, exhibit, exhibiting, harbours, harbour, harbors, harbor, reveals, reveal, displays, display, displaying, bears, carries, holds, hosts, houses, silhouetting, obscuring, obscures, abutting, abuts, bordering, effacing, effaces, overlapping, contacting, touching, displacing, due to, secondary to, because of, related to, abut, blurring, blurs, losing, plus a, coexistent, coexisting, as evidenced by, outlining, w, post, after, following biopsy of, following',
  residual:
    'no new, no further, no additional, no other, otherwise, elsewhere, remaining, remainder, remainder of, rest, the rest, rest of, the rest of, remaining part of, other, others, all other, residual lung, everywhere else, the remaining, the other parts, other parts of, other areas, anything else, else, in other respects, the other zones, the others',
  history:
    'hx, pmhx, (opacified/consolidated/affected/involved/infiltrated) in (january/february/march/april/may/june/july/august/september/october/november/december), previously (opacified/consolidated/affected), history of, hx of, h/o, status post, s/p, post op, previous surgery, prior film showed, previous film showed, indication, clinical indication, clinical history, clinical details, clinical question, reason for exam, reason for examination, reason for study, request, referred for, previously shown, left the department, patient left, left hospital, wedge comparison is made with, comparison, compare, technique, pneumonectomy, had been (in/at/on/within/seen in/present in/noted in/consolidated/opacified/opaque/affected/involved/infiltrated/collapsed/hazy/solid/dense/atelectatic/filled/completely consolidated/white), was previously (consolidated/opacified/opaque/affected/involved/infiltrated/collapsed/hazy), formerly (consolidated/opacified/affected/involved)',
  auxiliaries: 'is, are, was, were, has, have, had, been, has been, have been, had been, being, became',
  purpose:
    '(to exclude/to assess for/to look for/to evaluate for/to confirm/to document/to ensure clearance of/to ensure resolution of/to ensure/to monitor/to characterise/to characterize/to check for), (recommended/advised/suggested/recommend/advise/suggest/recommend ct/suggest ct/advise ct/ct recommended/ct advised/ct suggested/ct/ct chest/hrct) to rule out, for exclusion of, looking for',
  foreignEnds: 'ectomy, otomy, ostomy, plasty, oscopy, paresis, plegia, algia, megaly',
  titles: 'mr, mrs, ms, miss, mx, dr, drs, prof, professor, sir, doctor, sister, nurse, master, mister, dear',
  filler: EN_FILLER,
  harmless: 'ly',
};
