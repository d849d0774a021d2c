/**
 * Words that a question shares with almost any text: articles, pronouns, prepositions, conjunctions, particles, auxiliary
 * and modal verbs, question words. Sharing them does not mean that two texts have the same topic.
 */
export const functionWords: Record<string, string> = {
  ru: `и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее мне было вот от меня
    еще нет о из ему теперь когда даже ну ли если или ни быть был него до вас уже вам сказать себя ей может они тут где
    есть надо ней для мы тебя их чем была сам чтоб чтобы без будто чего раз тоже себе под будет ж тогда кто этот того
    потому этого какой какая какое какие каким каких какому какую ним здесь этом один почти мой моя мое мои моего моей
    тем нее были куда зачем всех можно нельзя при об другой хоть после над больше тот через эти эту эта это нас про
    всего них много разве три моя хорошо свою свой своей своего своих этой перед иногда лучше чуть том такой им более
    всегда конечно всю между сколько почему нужно нужен нужна должен должна должны могу можем можете могут мочь откуда
    который которая которое которые которого которой которых наш наша наше наши нам нами мной вами ваш ваша ваше
    ваши вашего делать сделать считается положено`,
  en: `i me my myself we our ours you your yours he him his she her hers it its they them their theirs what which who
    whom whose this that these those am is are was were be been being have has had having do does did doing a an the
    and but if or because as until while of at by for with about against between into through during before after above
    below to from up down in out on off over under again further then once here there when where why how all any both
    each few more most other some such no nor not only own same so than too very s t can will just don should now may
    might must shall would could need get got does much many long ll re ve d m`,
  de: `aber alle allem allen aller alles als also am an andere anderen auch auf aus bei beim bin bis bist da damit dann
    das dass dein dem den der des dessen die dies diese diesem diesen dieser dieses dir doch dort du durch ein eine
    einem einen einer eines er es etwas euch euer für gegen habe haben hat hatte hier hin hinter ich ihm ihn ihnen ihr
    ihre ihrem ihren ihrer im in indem ins ist ja jede jedem jeden jeder jedes kann kannst können könnte kein keine
    keinem keinen keiner man manche mehr mein meine meinem meinen meiner mich mir mit muss müssen muß nach nicht nichts
    noch nun nur ob oder ohne sehr sein seine seinem seinen seiner selbst sich sie sind so solche soll sollen sollte
    sondern sonst über um und uns unser unsere unter viel viele vom von vor war waren was weg weil weiter welche welchem
    welchen welcher welches wenn wer wen wem werde werden wie wieder will wir wird wirst wo woher wohin wollen wurde
    würde während zu zum zur zwar zwischen darf dürfen wann warum wieso wieviel lange`,
  fr: `au aux avec ce ces cet cette dans de des du elle elles en et eux il ils je la le les leur leurs lui ma mais me
    même mes moi mon ne nos notre nous on ou où par pas pour qu que quel quelle quelles quels qui quoi sa se sera ses si
    son sont sur ta te tes toi ton tu un une vos votre vous c d j l à m n s t y est es suis sommes êtes être été était
    ai as a avons avez ont avoir eu avait ayant fait faire faut peut peux pouvez peuvent pouvoir dois doit devez devoir
    comment combien quand pourquoi comme aussi plus moins très sans sous entre vers chez donc alors dont lors dès
    lorsque puis cela ça ceci tout tous toute toutes autre autres temps`,
  es: `a al algo algún alguna algunas alguno algunos ante antes aquí así aunque cada como cómo con contra cual cuál
    cuáles cuando cuándo cuánto cuánta cuántos cuántas de del desde donde dónde durante e el él ella ellas ellos en
    entre era es esa esas ese eso esos esta está están estar estas este esto estos fue ha había hacer hace hago han has
    hasta hay he la las le les lo los más me mi mis mucho muy nada ni no nos nosotros o otra otras otro otros para pero
    poco por porque que qué quién quien quienes se sea según ser si sí sin sobre son soy su sus también tan tanto te
    tengo tener tiene tienen todo toda todos todas tu tus un una uno unos unas y ya yo puede puedo pueden poder debe
    debo deben deber`,
};
