/** General words of English reports on images: none is a common name, so they may be kept. */

export const REPORT_WORDS: ReadonlySet<string> = new Set(
  // small words
  (
    'also and any as be been but by could either except for from has have in into is it its less more most near nearly neither nor not of only or other ' +
    'otherwise over same seen some than that their there these this those through to under up was were where which while with within without ' +
    // places and shapes
    'above adjacent along anterior apex apical axillary base basal bases basilar below beneath between bilaterally central centrally diffuse diffusely distal ' +
    'dorsal extending focal hilar hilum inferior lateral lingula lingular lobar lobes lobular lobulated margin margins medial mediastinal mediastinum ' +
    'multifocal patchy perihilar peripheral peripherally posterior proximal retrocardiac rounded scattered subpleural subsegmental superior ventral ' +
    // anatomy
    'aorta aortic bone bones breast bronchi bronchial cardiac chest clavicle colon costophrenic diaphragm fissure gland glands heart hemidiaphragm kidney ' +
    'liver lymph muscle node nodes pleura pleural polyp polyps prostate pulmonary rib ribs skin spine spleen stomach thoracic thorax thyroid trachea tracheal ' +
    'vascular vessel vessels cell cells cellular nucleus tissue epithelial stroma stromal ' +
    // findings
    'abnormal abnormality acute airspace atelectasis benign calcification calcifications cardiomegaly cavitation cavity chronic clear collapse congestion ' +
    'consolidation consolidations consolidated covid cyst cystic disease edema oedema effusion effusions emphysema fibrosis finding findings fracture ' +
    'glass ground haziness hernia hyperdense hyperinflation hypodense infarct infiltrate infiltrates infiltration inflammation interstitial lesion ' +
    'lucency malignant mass masses metastases metastasis nodule nodular nodules normal opacities opacity opacification pneumonitis pneumothorax process ' +
    'reticular scar scarring stable suspicious thickening tumor tumour tumors tumours unchanged ' +
    // amounts and qualities
    'additional approximately areas bigger broad cm complete completely confluent considerable decreased dense extensive faint few fewer homogeneous ' +
    'heterogeneous increased large larger largest marked markedly mild mildly minimal minor mm moderate moderately multiple new numerous partial ' +
    'partially possible possibly predominant predominantly probable probably prominent severe severely several single slight slightly small smaller ' +
    'smallest subtle total tiny visible whole widespread ' +
    // images
    'ap image images lateral pa portable projection radiograph scan shows showing slice view x ray xray ct mri ultrasound'
  ).split(' '),
);

/** A word of the list cannot identify a patient. */
export function isReportWord(word: string): boolean {
  return REPORT_WORDS.has(word);
}
