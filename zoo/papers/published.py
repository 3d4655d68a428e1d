"""The papers' tables, as numbers to compare with.

Sources, all by Alan Oursland: as-NN tables 2, 3 and 5 (*Neural Networks as Nearest Neighbors*, 2024),
use-DM (arXiv 2411.17932), learn-DM (arXiv 2502.02103).
"""

from __future__ import annotations

import io

import pandas as pd

TABLES: dict[str, str] = {
    "as-nn-table2": """\
metric,relu,abs
error,1.09,0.468
coherent_error,0.976,0.455
adhoc_error,0.822,0.523
coherent_count,4,243
adhoc_count,214,57
dead_count,82,0
""",
    "as-nn-table3": """\
metric,relu,abs
error,0.833,0.407
coherent_error,1.165,0.396
adhoc_error,0.66,0.541
coherent_count,93,277
adhoc_count,203,23
dead_count,4,0
""",
    "as-nn-table5": """\
metric,relu,relu_bias_sampling,abs,abs_bias_sampling
accuracy_avg,0.9773,0.977,0.9749,0.9773
accuracy_min,0.9759,0.9756,0.9554,0.9728
accuracy_max,0.9785,0.9779,0.9799,0.9795
precision,0.9772,0.9769,0.975,0.9772
recall,0.9771,0.9768,0.9747,0.9771
f1,0.9771,0.9768,0.9748,0.9771
test_error,0.0747,0.0757,0.0855,0.0754
avg_error_count,227.0,230.3,250.9,227.1
unique_errors,509,509,805,617
consistent_errors,70,79,47,40
voting_errors,213,215,205,204
l2_errors,188,185,163,163
""",
    "use-dm-baseline": """\
model,train_acc_pct,train_acc_std,test_acc_pct,test_acc_std,loss,loss_std
abs,99.99,0.0,95.29,0.2,0.0047,0.0005
relu,98.33,0.15,95.61,0.14,0.061,0.0044
""",
    "use-dm-scale": """\
scale,abs_acc_pct,abs_t,abs_p,relu_acc_pct,relu_t,relu_p
0.01,94.76,16.6,9e-13,75.33,15.6,2.8e-12
0.05,99.86,6.4,4e-06,97.33,11.9,3.1e-10
0.1,99.98,5.5,2.9e-05,98.1,10.4,2.9e-09
0.25,99.98,1.1,0.3,98.31,4.7,0.00017
0.5,99.99,-2.0,0.056,98.33,-3.7,0.0016
1.0,99.99,-1.3,0.2,98.33,-3.6,0.0017
10.0,99.99,-1.6,0.13,98.33,-3.2,0.0049
""",
    "use-dm-clip": """\
clip,abs_acc_pct,abs_t,abs_p,relu_acc_pct,relu_t,relu_p
0.01,52.9,28.1,6.1e-17,75.93,36.6,4.5e-19
0.05,60.13,24.8,6.4e-16,82.57,27.8,7.2e-17
0.1,71.05,21.9,6e-15,87.56,23.0,2.5e-15
0.2,88.55,21.0,1.3e-14,93.84,20.6,1.9e-14
0.3,96.11,24.5,7.8e-16,96.67,18.6,1.2e-13
0.4,98.7,-25.3,4.3e-16,97.74,-23.4,1.8e-15
0.5,99.6,-26.7,1.6e-16,98.14,-26.8,1.5e-16
0.75,99.98,-26.5,1.8e-16,98.33,-27.8,7.4e-17
1.0,99.99,-26.5,1.8e-16,98.33,-28.1,6.3e-17
""",
    "use-dm-offset": """\
offset,abs_acc_pct,abs_t,abs_p,relu_acc_pct,relu_t,relu_p
-2.0,11.04,49.6,1.4e-21,18.77,211.3,1.7e-33
-1.0,12.6,48.8,1.9e-21,41.68,78.9,2.2e-25
-0.75,14.79,47.1,3.9e-21,55.16,60.2,3.8e-23
-0.5,21.78,43.7,1.6e-20,72.9,43.4,1.8e-20
-0.25,49.03,32.0,5.3e-18,90.24,33.1,2.9e-18
-0.1,86.25,-31.5,7.3e-18,96.55,-36.7,4.1e-19
-0.05,95.49,-39.5,1.1e-19,97.78,-38.8,1.5e-19
-0.03,97.86,-41.3,4.6e-20,98.13,-39.3,1.1e-19
-0.02,98.95,-42.1,3.2e-20,98.24,-39.4,1.1e-19
-0.01,99.82,-42.7,2.4e-20,98.31,-39.8,8.9e-20
0,99.99,-42.8,2.3e-20,98.33,-40.0,8.3e-20
0.01,99.81,-42.7,2.4e-20,98.26,-39.6,9.8e-20
0.02,98.85,-42.0,3.3e-20,98.14,-39.3,1.2e-19
0.03,97.7,-41.0,5.2e-20,97.99,-38.5,1.7e-19
0.05,95.0,-38.3,1.8e-19,97.62,-36.6,4.5e-19
0.1,81.4,-19.5,4.9e-14,96.31,-28.3,5.3e-17
0.25,23.43,15.0,5.2e-12,81.6,14.7,8.1e-12
0.5,11.14,29.7,2.2e-17,32.54,64.3,1.1e-23
0.75,9.81,42.8,2.3e-20,13.94,61.1,2.8e-23
1.0,9.78,44.6,1.1e-20,9.41,493.8,1.7e-40
""",
    "learn-dm-5000": """\
model,final_bias,test_acc_pct,std_pct
abs,no,95.26,0.19
relu,no,95.64,0.19
abs2,no,95.35,0.17
abs2-neg,no,90.08,2.56
relu2,no,47.2,12.0
relu2-neg,no,94.93,0.15
abs,yes,95.23,0.16
relu,yes,95.69,0.17
abs2,yes,95.38,0.17
abs2-neg,yes,90.53,2.36
relu2,yes,39.94,18.84
relu2-neg,yes,94.92,0.18
""",
    "learn-dm-50000": """\
model,final_bias,test_acc_pct,std_pct
relu,yes,96.62,0.17
relu2,yes,56.31,19.31
relu2-neg,yes,96.46,0.17
abs,yes,95.87,0.22
abs2,yes,95.95,0.17
abs2-neg,yes,92.25,2.07
relu-l2,n/a,97.33,0.13
relu-l2-neg,n/a,97.36,0.14
abs-l2,n/a,97.61,0.07
abs-l2-neg,n/a,97.56,0.09
""",
    "learn-dm-dead-nodes-5000": """\
model,layer,dead_pct,rarely_active_pct
relu,hidden,0,0.47
relu2,hidden,0,0.12
relu2,output,22.0,53.5
relu2-neg,hidden,0,0.12
relu2-neg,output,0,0
abs,hidden,0,0
abs2,output,0,0
abs2-neg,output,0,0
""",
    "learn-dm-clamp50": """\
model,clamp_min_pct_at_half_accuracy,clamp_max_pct_at_half_accuracy
abs2-neg,38,35
abs,35,30
abs2,15,8
relu2-neg,11,1
relu,9,1
relu2,8,1
""",
}


def published(table: str) -> pd.DataFrame:
    """Read one published table, its first column as the index.

    Examples
    --------
    >>> float(published("as-nn-table3").loc["coherent_count", "abs"])
    277.0
    """
    return pd.read_csv(io.StringIO(TABLES[table]), index_col=0)
