"""Works that the methods are from: how each is named in a sentence, and in a list."""

from __future__ import annotations

# key: (in a sentence, in the list)
REFERENCES = {
    "begg1983": (
        "Begg and Greenes, 1983",
        "Begg, C. B., and Greenes, R. A. (1983). Assessment of diagnostic tests when disease "
        "verification is subject to selection bias. Biometrics 39, 207–215.",
    ),
    "benjamini1995": (
        "Benjamini and Hochberg, 1995",
        "Benjamini, Y., and Hochberg, Y. (1995). Controlling the false discovery rate: a practical "
        "and powerful approach to multiple testing. Journal of the Royal Statistical Society B "
        "57, 289–300.",
    ),
    "bonett2012": (
        "Bonett and Price, 2012",
        "Bonett, D. G., and Price, R. M. (2012). Adjusted Wald confidence interval for a "
        "difference of binomial proportions based on paired data. Journal of Educational and "
        "Behavioral Statistics 37, 479–488.",
    ),
    "brennan1981": (
        "Brennan and Prediger, 1981",
        "Brennan, R. L., and Prediger, D. J. (1981). Coefficient kappa: some uses, misuses, and "
        "alternatives. Educational and Psychological Measurement 41, 687–699.",
    ),
    "brown2001": (
        "Brown et al., 2001",
        "Brown, L. D., Cai, T. T., and DasGupta, A. (2001). Interval estimation for a binomial "
        "proportion. Statistical Science 16, 101–133.",
    ),
    "cassel1976": (
        "Cassel et al., 1976",
        "Cassel, C. M., Särndal, C. E., and Wretman, J. H. (1976). Some results on generalized "
        "difference estimation and generalized regression estimation for finite populations. "
        "Biometrika 63, 615–620.",
    ),
    "conger1980": (
        "Conger, 1980",
        "Conger, A. J. (1980). Integration and generalization of kappas for multiple raters. "
        "Psychological Bulletin 88, 322–328.",
    ),
    "efron1993": (
        "Efron and Tibshirani, 1993",
        "Efron, B., and Tibshirani, R. J. (1993). An Introduction to the Bootstrap. Chapman and "
        "Hall.",
    ),
    "fleiss1969": (
        "Fleiss et al., 1969",
        "Fleiss, J. L., Cohen, J., and Everitt, B. S. (1969). Large sample standard errors of "
        "kappa and weighted kappa. Psychological Bulletin 72, 323–327.",
    ),
    "gwet2008": (
        "Gwet, 2008",
        "Gwet, K. L. (2008). Computing inter-rater reliability and its variance in the presence of "
        "high agreement. British Journal of Mathematical and Statistical Psychology 61, 29–48.",
    ),
    "gwet2014": (
        "Gwet, 2014",
        "Gwet, K. L. (2014). Handbook of Inter-Rater Reliability, 4th edition. Advanced Analytics.",
    ),
    "hayes2007": (
        "Hayes and Krippendorff, 2007",
        "Hayes, A. F., and Krippendorff, K. (2007). Answering the call for a standard reliability "
        "measure for coding data. Communication Methods and Measures 1, 77–89.",
    ),
    "holm1979": (
        "Holm, 1979",
        "Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian "
        "Journal of Statistics 6, 65–70.",
    ),
    "horvitz1952": (
        "Horvitz and Thompson, 1952",
        "Horvitz, D. G., and Thompson, D. J. (1952). A generalization of sampling without "
        "replacement from a finite universe. Journal of the American Statistical Association 47, "
        "663–685.",
    ),
    "korn1998": (
        "Korn and Graubard, 1998",
        "Korn, E. L., and Graubard, B. I. (1998). Confidence intervals for proportions with small "
        "expected number of positive counts estimated from survey data. Survey Methodology 24, "
        "193–201.",
    ),
    "krippendorff2004": (
        "Krippendorff, 2004",
        "Krippendorff, K. (2004). Reliability in content analysis: some common misconceptions and "
        "recommendations. Human Communication Research 30, 411–433.",
    ),
    "newcombe1998": (
        "Newcombe, 1998",
        "Newcombe, R. G. (1998). Interval estimation for the difference between independent "
        "proportions: comparison of eleven methods. Statistics in Medicine 17, 873–890.",
    ),
    "passonneau2006": (
        "Passonneau, 2006",
        "Passonneau, R. (2006). Measuring agreement on set-valued items (MASI) for semantic and "
        "pragmatic annotation. Proceedings of LREC 2006.",
    ),
    "sarndal1989": (
        "Särndal et al., 1989",
        "Särndal, C. E., Swensson, B., and Wretman, J. H. (1989). The weighted residual technique "
        "for estimating the variance of the general regression estimator of the finite population "
        "total. Biometrika 76, 527–537.",
    ),
    "schuirmann1987": (
        "Schuirmann, 1987",
        "Schuirmann, D. J. (1987). A comparison of the two one-sided tests procedure and the power "
        "approach for assessing the equivalence of average bioavailability. Journal of "
        "Pharmacokinetics and Biopharmaceutics 15, 657–680.",
    ),
    "tango1998": (
        "Tango, 1998",
        "Tango, T. (1998). Equivalence test and confidence interval for the difference in "
        "proportions for the paired-sample design. Statistics in Medicine 17, 891–908.",
    ),
    "tenenbein1970": (
        "Tenenbein, 1970",
        "Tenenbein, A. (1970). A double sampling scheme for estimating from binomial data with "
        "misclassifications. Journal of the American Statistical Association 65, 1350–1361.",
    ),
    "wilson1927": (
        "Wilson, 1927",
        "Wilson, E. B. (1927). Probable inference, the law of succession, and statistical "
        "inference. Journal of the American Statistical Association 22, 209–212.",
    ),
    "zou2008": (
        "Zou and Donner, 2008",
        "Zou, G. Y., and Donner, A. (2008). Construction of confidence limits about effect "
        "measures: a general approach. Statistics in Medicine 27, 1693–1702.",
    ),
}
