/**
 * Words that are a slip away from a place, a side, a number or a finding, and are words themselves: "there" is not
 * "three", "light" not "right". Of the languages in which notes are written.
 */
export const ORDINARY_WORDS: ReadonlySet<string> = new Set(
  [
    // sides and heights
    'cleft deft felt gift heft leaf legt lent lest let lets letter lift loft lost luft reft theft weft',
    'alight bight blight bright eight fight fright knight light might night nights ought plight rights richt riot sight',
    'slight tight wight wright',
    'blower bower cower dower flower glower lever loner loser lover lowed lowers mower plower power rower slower sower tower',
    'supper upped uppers usher utter',
    'fiddle middling paddle puddle riddle saddle',
    'bare based bases bass bast case cases nasal vase',
    'apes apply',
    'aid amid bid did hid kid lid maid mild mind mud rid',
    // numbers
    'ohne ont fourth jour ones favour thread threat',
    'bone cone done gone hone lone none nine once ong own pone tone zone zones',
    'she thee their them then there these they this threw throe thy tie toe tree trees',
    'foul fort fou for form fur hour our pour sour tour your',
    'fibre fife file fine fire fit fives give hive jive life like line live wife wive',
    'fix mix nix pix sax sic sie sin sir sit siv sixth',
    'too top twin twos who',
    'seen seer sever',
    // findings and the rest
    'bung clung dung flung hung lag lang last lobe lobes lone long longe lune luna lunar lunch lunge lunges rung sling',
    'slung sung young',
    'are arena aria arid aura',
    'add aid ant any band end hand land sand wand',
    'ail alas ally als alt aml ball call fall gall hall ill mall pall tall wall',
    'nigh sigh thigh',
    'abound bound found ground hound mound pound round sound wound',
    'affected defected inflected inflection injected injection infarct infarcted infarction inspected inspection',
    'indication insertion inflation ingestion interaction separately nuclear',
    // denials, of languages too that only rewordings of training notes are in: not "eine", "drei" and "dans"
    'kein keine keinem keinen keiner keines frei freie freiem freien freier freies sans',
    // lobes: in lower case they are not mirrored
    'rul rml rll lul lml lll',
  ]
    .join(' ')
    .split(' '),
);
