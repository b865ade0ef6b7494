"""Synonyms: for every value that a creature's attribute can have, English phrases that name it."""

from builder.demo.attributes import ATTRIBUTES


def split(texts: str) -> tuple[str, ...]:
    """The parts of a text between semicolons."""
    return tuple(part.strip() for part in texts.split(";"))


# Value -> phrases for it, bare: articles, plurals and British spelling are added when drawn.
_COLOURS = {
    "black": "black; jet black; pitch black; ink black; inky; ebony; charcoal; coal black; sooty; "
    "raven black; onyx; obsidian; midnight black; very dark; blackish; deep black",
    "white": "white; snow white; ivory; chalk white; milky white; pearl white; cream; bone white; "
    "whitish; alabaster; off-white; porcelain; pure white; very pale; milky; pearly",
    "gray": "gray; ash gray; silver; silvery; slate gray; stone gray; smoky gray; steel gray; "
    "ashen; dull gray; iron gray; grayish; pewter; gunmetal; pale gray; slate",
    "red": "red; crimson; scarlet; ruby; blood red; cherry red; vermilion; bright red; deep red; "
    "reddish; maroon; brick red; carmine; dark red; ruby red; fiery red",
    "orange": "orange; tangerine; amber; pumpkin orange; carrot orange; burnt orange; apricot; "
    "bright orange; deep orange; orangish; marigold; mandarin; ginger; persimmon; pumpkin",
    "yellow": "yellow; golden; gold; lemon yellow; canary yellow; mustard yellow; sunny yellow; "
    "bright yellow; pale yellow; yellowish; straw yellow; honey yellow; blond; saffron; lemon",
    "green": "green; emerald; leaf green; lime green; olive green; grass green; jade; moss green; "
    "mint green; bright green; dark green; greenish; forest green; fern green; pea green; lime",
    "blue": "blue; azure; navy blue; sky blue; cobalt blue; sapphire; cerulean; bright blue; "
    "dark blue; bluish; royal blue; ultramarine; ocean blue; deep blue; pale blue; navy; cobalt",
    "purple": "purple; violet; lavender; plum; lilac; mauve; amethyst; grape; purplish; "
    "deep purple; dark purple; royal purple; eggplant; indigo; mulberry; bright purple",
    "pink": "pink; rose pink; rosy; magenta; fuchsia; salmon pink; blush pink; bubblegum pink; "
    "hot pink; pale pink; pinkish; bright pink; flamingo pink; rose-colored; coral pink; rose",
    "brown": "brown; chestnut; chocolate brown; tan; umber; coffee brown; mahogany; russet; hazel; "
    "earthy brown; wood brown; dark brown; light brown; brownish; caramel; cinnamon; walnut",
}
_FORMS = {
    "quadruped": "quadruped; four-legged animal; four-legged beast; wolf; dog; hound; deer; horse; "
    "fox; cat; stag; canine; beast on all fours; lion; animal walking on four legs; "
    "hoofed animal; furry four-footed animal; mammal on four legs; four-legged; doe; panther",
    "bird": "bird; songbird; bird-like creature; avian; sparrow; crow; raven; beaked creature; "
    "feathered bird; robin; finch; fowl; pigeon; animal with a beak; perching bird; flying bird; "
    "small bird; jay; birdlike animal; body of a bird",
    "fish": "fish; finned swimmer; sea creature with fins; fish-like creature; swimming fish; "
    "carp; goldfish; trout; finned animal; tropical fish; swimmer with a tail fin; swimmer; "
    "animal with fins; minnow; koi; fish with scales and fins; finned fish; body of a fish; bass",
    "snake": "snake; serpent; viper; cobra; python; limbless reptile; legless reptile; "
    "coiled snake; slithering creature; long winding body; serpentine creature; adder; "
    "worm-like creature; snake-like creature; eel; serpentine; legless slithering animal; worm",
    "blob": "blob; slime; jelly; ooze; gelatinous blob; shapeless lump; gooey mound; goo; "
    "jelly-like creature; amorphous mass; dome-shaped blob; round lump; pudding; gel; soft mound; "
    "squishy blob; droplet-shaped creature; slimy lump; amoeba; mound of slime",
    "octopus": "octopus; squid; tentacled creature; creature with many arms; cephalopod; kraken; "
    "eight-armed sea creature; many-armed animal; octopus-like creature; creature with tentacles; "
    "cuttlefish; big head with tentacles; multi-armed creature; eight-limbed mollusc; tentacles",
    "insect": "insect; bug; beetle; ant; six-legged bug; six-legged creature; creepy-crawly; "
    "insect-like creature; arthropod; grasshopper; bee; wasp; bug with thin legs; cricket; "
    "many-legged insect; creature with a segmented body; bug with feelers and antennae; spider",
    "biped": "biped; upright creature; two-legged beast; ape; monkey; humanoid; gorilla; "
    "creature standing upright; person-like creature; two-legged walker; ape-like creature; "
    "bear standing on two legs; man-like figure; goblin; troll; ogre; yeti; person; "
    "creature with two arms and two legs; creature standing on two legs; ape-like two-legged beast",
}
_TRAITS = {
    "horn": "single horn; one horn; unicorn horn; horn on its forehead; lone horn; spiral horn; "
    "one long horn; pointed horn on its head; unicorn; single pointed horn; straight horn; "
    "one spike on its forehead; one sharp horn; twisted horn; one straight horn on the forehead",
    "horns": "two horns; pair of horns; bull horns; curved horns; horns on both sides of the head; "
    "ox horns; devil horns; twin horns; ram horns; cow horns; demon horns; horns like a bull; "
    "double horns; two curved horns; goat horns; bull-like horns; set of horns",
    "antlers": "antlers; deer antlers; branching antlers; stag antlers; branched antlers; "
    "rack of antlers; moose antlers; reindeer antlers; branching horns; antlers like a deer; "
    "elk antlers; tree-like antlers; large antlers; forked antlers; pair of antlers",
    "feather_wings": "feathered wings; feather wings; bird wings; angel wings; plumed wings; "
    "wings with feathers; large feathered wings; wings of feathers; wings of a bird; "
    "feathery wings; fluffy wings; bird-like wings; swan wings; eagle wings; angelic wings",
    "bat_wings": "bat wings; leathery wings; dragon wings; membrane wings; wings like a bat; "
    "bat-like wings; webbed wings; skin wings; demon wings; devil wings; leather wings; "
    "dark bat wings; membranous wings; wings without feathers; wings of a dragon",
    "flower": "flower; blossom; bloom; flower on its head; petals; big flower; colorful flower; "
    "flower growing on its head; daisy; flower on top; blooming flower; floral crown; "
    "flower with petals; tulip; flowering bud; flower ornament; blossom on its head",
    "shell": "shell; snail shell; spiral shell; shell on its back; coiled shell; round shell; "
    "swirly shell; shell like a snail; carapace; protective shell; hard shell; curled shell; "
    "spiral on its back; nautilus shell; snail shell on its back; turtle shell",
    "gem": "gem; jewel; gemstone; crystal; diamond; jewel on its forehead; gem on its head; "
    "shining crystal; precious stone; glittering gem; sparkling jewel; crystal on the head; "
    "faceted stone; shiny gem; glassy stone; blue crystal; jewel on its head",
    "mane": "mane; fur collar; lion mane; thick mane; furry collar; ruff; fluffy collar; "
    "bushy mane; mane around its neck; shaggy mane; fur around the neck; ruff of fur; "
    "fluffy neck; woolly mane; hairy neck; fluffy fur; neck ruff",
    "spikes": "spikes; back spikes; spines; row of spikes; spikes along its back; thorns; "
    "spiny back; spiked back; sharp spines; back plates; quills; prickles; dorsal spikes; "
    "pointed spikes on the back; jagged ridge; spiky ridge",
    "flame_tail": "flaming tail; tail on fire; fire on its tail; burning tail; tail flame; "
    "flame at the tip of its tail; tail with a flame; fiery tail; tail tipped with fire; "
    "blazing tail; torch-like tail; flame tail; tail that burns; fire-tipped tail; glowing tail",
}
_PATTERNS = {
    "plain": "plain; no pattern; solid color; smooth; unmarked; uniform color; plain skin; "
    "no markings; even color; bare skin; single-colored; unpatterned; smooth skin; "
    "one solid color; plain surface; no marks; plain fur; uniform",
    "stripes": "stripes; stripe pattern; striped; bands; tiger stripes; zebra stripes; banded; "
    "striped pattern; vertical stripes; dark bands; light stripes; bold stripes; striped skin; "
    "parallel stripes; striped coat; streaks; straight stripes",
    "spots": "spots; dots; spotted; polka dots; spotted coat; speckles; round spots; dappled; "
    "leopard spots; freckles; dotted; circular marks; blotches; speckled skin; spot pattern; "
    "round dots; spotted skin",
    "scales": "scales; scaly; scaly skin; fish scales; overlapping scales; reptile scales; "
    "covered in scales; scaled hide; scale pattern; small scales; scaly armor; reptilian skin; "
    "snake scales; lizard scales; scale texture; shiny scales",
    "zigzag": "zigzags; zigzag; zigzag lines; jagged lines; jagged stripes; zig-zag pattern; "
    "lightning-shaped marks; zigzag markings; sawtooth lines; chevrons; angular lines; "
    "zigzag bands; pointed waves; saw-toothed stripes; zigzag stripes; jagged pattern",
    "pale_belly": "pale belly; white belly; light belly; lighter underside; light underbelly; "
    "pale underside; light-colored belly; pale stomach; white chest; cream belly; pale tummy; "
    "light patch on the belly; belly lighter than the back; two-tone body with a light belly; "
    "lighter belly; pale chest; bright belly",
}
_SCENES = {
    "night": "night; night sky; starry night; starry sky; moonlit night; moon; moonlight; "
    "stars and moon; dark night; moonlit sky; midnight; full moon; starry night sky; moonlit; "
    "under the stars; moonlit landscape; sky full of stars; dark sky with stars",
    "storm": "storm; rainstorm; rain; stormy sky; thunderstorm; dark clouds and rain; rainy sky; "
    "rain clouds; tempest; stormy weather; heavy rain; gray clouds; bad weather; stormy; "
    "cloudy rainy sky; pouring rain; rainy weather",
    "meadow": "meadow; grassland; green field; grassy field; grass and blue sky; flower field; "
    "pasture; sunny meadow; field of flowers; lawn; green hills; open field; prairie; "
    "sunny grassland; blue sky with clouds; flowery field; grassy meadow; grassy plain",
    "underwater": "underwater; ocean; sea; seabed; deep sea; ocean floor; under the sea; water; "
    "sea floor; underwater world; coral reef; beneath the waves; undersea; deep water; "
    "aquatic; bottom of the sea; seaweed; under water",
    "snow": "snow; snowy landscape; snowy mountains; ice; winter; frozen land; snowfield; "
    "icy mountains; snowy peaks; wintry; tundra; arctic; snow-covered ground; frosty; "
    "falling snow; cold white landscape; glacier; winter landscape",
    "cave": "cave; cavern; underground; underground cave; dark cave; grotto; rocky cave; "
    "stalactites; inside a cave; rock walls; tunnel; subterranean; mine; dim cave; "
    "cavern with stalactites; underground chamber; stone cave",
    "forest": "forest; woods; trees; woodland; deep forest; dark forest; among the trees; jungle; "
    "grove; thick woods; green forest; forest with tall trees; tree trunks; dense trees; "
    "wooded; forest of trees",
    "volcano": "volcano; lava; volcanic; erupting volcano; molten rock; lava field; lava flow; "
    "fiery volcano; magma; volcanic landscape; volcanic eruption; red-hot lava; crater; "
    "burning mountain; volcanic land; rivers of lava; hot lava",
    "desert": "desert; sand; sand dunes; dunes; sandy desert; cactus; dry land; arid land; sandy; "
    "cacti; dry sandy plain; hot desert; sandy wasteland; wasteland; desert with cacti; "
    "desert sand",
    "swamp": "swamp; marsh; bog; murky swamp; swampy; marshland; wetland; murky water; "
    "foggy swamp; bayou; muddy pond; reeds; mire; green murky water; misty marsh; swampland",
}
_EFFECTS = {
    "none": "nothing; no effects; clear air; nothing at all; empty air; no particles; plain air; "
    "calm air; none; no special effect; clean air; nothing floating; still air; no effect; "
    "nothing special",
    "flames": "flames; fire; small flames; fireballs; embers; burning flames; little fires; "
    "blazing fire; bits of fire; floating flames; flickering flames; fiery; blaze; "
    "tongues of fire; burning fire",
    "sparkles": "sparkles; glitter; twinkles; sparkling lights; shiny stars; twinkling stars; "
    "glittering stars; shimmering lights; sparkling; glints; stardust; bright sparkles; "
    "magic sparkles; star-shaped glints; shining specks; glitters of light",
    "bubbles": "bubbles; soap bubbles; floating bubbles; air bubbles; round bubbles; foam; "
    "little bubbles; bubbling; water bubbles; rising bubbles; transparent bubbles; bubbly; "
    "froth; drifting bubbles; clear bubbles",
    "leaves": "leaves; falling leaves; green leaves; drifting leaves; foliage; flying leaves; "
    "swirling leaves; floating leaves; loose leaves; blown leaves; fluttering leaves; leafy; "
    "windblown leaves; scattered leaves; leaf",
    "lightning": "lightning; lightning bolts; thunderbolts; electricity; electric sparks; "
    "electric bolts; bolts; zaps; yellow bolts; flashes of lightning; thunder; electric; "
    "electrical discharge; crackling electricity; sparks of electricity",
}
SYNONYMS: dict[str, dict[str, tuple[str, ...]]] = {
    attribute: {value: split(phrases) for value, phrases in values.items()}
    for attribute, values in zip(
        ATTRIBUTES, (_COLOURS, _FORMS, _TRAITS, _PATTERNS, _SCENES, _EFFECTS), strict=True
    )
}
