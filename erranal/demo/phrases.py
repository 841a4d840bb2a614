"""The stock of phrases the simulated models speak in."""

from __future__ import annotations

OPENINGS = {
    "text": (
        "Let's work through this step by step.",
        "I'll take this one step at a time.",
        "To answer this, I'll go through what is given.",
        "Let me set this out carefully.",
        "Okay, here is how I approach this.",
        "We need to find what the question asks for.",
    ),
    "image": (
        "The image shows a question, which I'll work through step by step.",
        "Looking at the image, I'll take this one step at a time.",
        "From the picture I can read the question and what is given.",
        "The screenshot contains the following problem.",
        "Let me go by what is written in the image.",
    ),
}
READINGS = (
    "Given: {r}.",
    "What we know: {r}.",
    "The numbers are: {r}.",
    "I read the following: {r}.",
    "Data: {r}.",
)
REMARKS = (
    "Note that {r}.",
    "Here, {r}.",
    "Keep in mind that {r}.",
    "In this program, {r}.",
    "Since {r}, we can go on.",
)
EQUATIONS = (
    "{label}: {eq}.",
    "{label} = {eq}.",
    "Next, the {label}: {eq}.",
    "{eq}, which gives the {label}.",
    "For the {label} we get {eq}.",
    "That makes {eq} ({label}).",
    "I compute the {label} as {eq}.",
)
CHECKS = (
    "I went through the steps once more and they agree.",
    "On a second look the steps give the same result.",
    "This is in line with what the question asks for.",
    "The result has a plausible size.",
)
NUMBER_FINALS = (
    "Answer: {n}",
    "<answer>{n}</answer>",
    "The final answer is \\boxed{{{plain}}}.",
    "The answer is {long}.",
    "**Final answer: {n}**",
    "#### {plain}",
)
CHOICE_FINALS = (
    "Answer: {letter}",
    "<answer>{letter}</answer>",
    "The final answer is \\boxed{{{letter}}}.",
    "The answer is {letter}) {text}.",
    "**Final answer: {letter}**",
    "Answer: ({letter})",
)
# How often each model ends in each of the six forms above.
FINAL_WEIGHTS = {"sim-small": (5, 4, 3, 4, 2, 2), "sim-large": (10, 3, 3, 2, 3, 1)}
BARE_NUMBERS = ("{n}", "Answer: {n}", "<answer>{n}</answer>", "The answer is {long}.")
BARE_CHOICES = ("{letter}", "Answer: {letter}", "<answer>{letter}</answer>", "{letter}) {text}")
NUMBER_ASIDES = ("(Checked {k} times.)", "I went over it {k} times to be sure.")
CHOICE_ASIDES = (
    "(I also considered {other}.)",
    "I had {other} in mind at first, but it does not fit.",
)

REFUSALS = {
    "text": (
        "I'm sorry, but I can't help with that.",
        "I'm sorry, but I can't assist with this request.",
        "I cannot provide an answer to this question.",
        "Sorry, I'm unable to help with this one.",
    ),
    "image": (
        "I'm sorry, but I can't assist with the content of this image.",
        "I'm sorry, I can't help with identifying what is in this picture.",
        "I'm unable to process requests about this image.",
        "Sorry, but I can't help with that.",
    ),
}
NOT_SEEN = (
    "I don't see an image attached to your message. Could you upload it again?",
    "It seems that no image came with your question, so I cannot read it. Please share the image.",
    "I'm not able to view images directly. If you type out the question, I will gladly solve it.",
    "There is no visible text in the image: it appears blank to me. Could you send the question as "
    "text?",
    "The image did not load on my side, so I can't see the question that it contains.",
)
GUESSES = ("If I had to guess: {final}", "Without seeing it, my best guess would be this. {final}")
HEDGES = (
    "From here on I am not sure how to continue, and I would rather not commit myself.",
    "I would need to go over the details again before I can give a result.",
    "There may be more than one way to read the last part, so I will leave it at that.",
    "More than one possibility remains, and I cannot decide between them.",
    "It could be argued either way, and the information does not settle it for me.",
)
LOOPS = (
    "Wait, let me go back and look at the question again.",
    "Hmm, let me read that once more to be sure.",
    "Let me check that step again.",
    "However, I should verify this first.",
)
MUSINGS = (
    "Before working anything out, I want to be sure that I have understood what is being asked.",
    "The wording matters here, so I am reading the question slowly and more than once.",
    "There is some background to it, and then there is the part that has to be found.",
    "It would be easy to rush to a result, but it is better to separate what is given from what is "
    "asked.",
    "One way to start would be to write everything down in the order in which it is mentioned.",
    "Another way would be to work backwards from what is wanted and see what is needed for it.",
    "Both ways should lead to the same place, so either could serve as a check of the other.",
    "I will go with the first way, because it stays closest to the wording of the question.",
    "Let me also consider whether anything in the question is there only to distract.",
    "As far as I can tell, every part plays a role, though not all of them at the same stage.",
    "It also helps to think about the size of the result that would be reasonable in the end.",
    "With that in mind, I can plan the individual stages and then carry them out in order.",
    "The first stage is to bring together the things that belong together.",
    "After that, the intermediate result has to be combined with what remains.",
    "I also want to keep track of units along the way, since mixing them up is a common mistake.",
    "Having planned all of this, I will now begin with the first stage and write out each line in "
    "full.",
)
# What a harness writes when the call itself failed.
FAILURES = (
    "",
    "",
    "Failed to obtain answer via API.",
    "Error: request failed after several retries (503 Service Unavailable)",
    "upstream connect error or disconnect/reset before headers",
)
